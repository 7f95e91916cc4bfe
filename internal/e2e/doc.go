// Package e2e tests the kevlar command as a user meets it: it builds the program, runs it and looks at what comes out, on
// each kernel and architecture. It has nothing but tests.
package e2e
