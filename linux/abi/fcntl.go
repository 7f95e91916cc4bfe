package abi

// Kinds of owner in struct f_owner_ex: fcntl(2), F_SETOWN_EX.
const (
	F_OWNER_TID  = 0
	F_OWNER_PID  = 1
	F_OWNER_PGRP = 2
)
