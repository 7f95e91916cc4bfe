// clock_adjtime(2), adjtimex(2): reading, offsets, frequencies, status bits, which clocks.
#include "contract.h"
#include <sys/timex.h>

int main(void)
{
	struct timex x = { 0 }, back = { 0 };
	IS("reads", clock_adjtime(CLOCK_REALTIME, &x) >= 0);
	FACT("tick %ld precision %ld tolerance %ld", x.tick, x.precision, x.tolerance);
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	WITHIN("its time is now", now.tv_sec - x.time.tv_sec, 0, 2);
	long freq = x.freq;
	x.modes = ADJ_FREQUENCY;
	x.freq = 65536;
	IS("a frequency", clock_adjtime(CLOCK_REALTIME, &x) >= 0);
	adjtimex(&back);
	FACT("is kept: %ld", back.freq);
	x.freq = 1L << 30;
	IS("one out of range is cut", clock_adjtime(CLOCK_REALTIME, &x) >= 0);
	FACT("to %ld", x.freq);
	x.freq = freq;
	adjtimex(&x);
	x.modes = ADJ_STATUS;
	x.status = STA_PLL;
	IS("status", adjtimex(&x) >= 0);
	back.modes = 0;
	adjtimex(&back);
	FACT("PLL %d", !!(back.status & STA_PLL));
	x.status = STA_UNSYNC;
	FACT("unsynchronised: %d", adjtimex(&x) == TIME_ERROR);
	x.modes = ADJ_SETOFFSET | ADJ_NANO;
	x.time.tv_sec = 5;
	x.time.tv_usec = 0;
	IS("a step of five seconds", clock_adjtime(CLOCK_REALTIME, &x) >= 0);
	struct timespec later;
	clock_gettime(CLOCK_REALTIME, &later);
	WITHIN("seconds later", later.tv_sec - now.tv_sec, 5, 8);
	x.time.tv_sec = -5;
	adjtimex(&x);
	x.modes = ADJ_TAI;
	x.constant = 37;
	IS("TAI", adjtimex(&x) >= 0);
	struct timespec tai;
	clock_gettime(CLOCK_TAI, &tai);
	clock_gettime(CLOCK_REALTIME, &now);
	WITHIN("the offset of the TAI clock", tai.tv_sec - now.tv_sec, 36, 37);
	x.constant = 0;
	adjtimex(&x);
	x.modes = 0;
	CALL("the monotonic clock", clock_adjtime(CLOCK_MONOTONIC, &x));
	CALL("no such clock", clock_adjtime(77, &x));
	CALL("bad pointer", syscall(SYS_adjtimex, BAD_POINTER));
	x.modes = ADJ_OFFSET_SINGLESHOT;
	x.offset = 1000;
	IS("adjtime's way", adjtimex(&x) >= 0);
	x.modes = ADJ_OFFSET_SS_READ;
	IS("reads what is left", adjtimex(&x) >= 0 && x.offset <= 1000);
}
