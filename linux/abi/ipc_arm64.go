package abi

// Struct semid64_ds: where its fields are.
const (
	SemOTime   = 48
	SemCTime   = 56
	SemNumber  = 64
	SemSetSize = 88
)
