package abi

// IPCPermSize is the size of struct ipc64_perm, which begins struct shmid64_ds, semid64_ds and
// msqid64_ds. The offsets of semid64_ds differ between architectures.
const IPCPermSize = 48
