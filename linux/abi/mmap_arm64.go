package abi

// Map32Bit is MAP_32BIT, which only x86-64 has.
const Map32Bit = 0
