package abi

// Struct semid64_ds: where its fields are.
const (
	SemOTime   = 48
	SemCTime   = 64
	SemNumber  = 80
	SemSetSize = 104
)
