package abi

// Map32Bit is MAP_32BIT: place the mapping in the first 2 GiB (mmap(2)).
const Map32Bit = 0x40
