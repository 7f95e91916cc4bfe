"""Commands for gdb on a running Kevlar kernel: what its tasks and goroutines do.

    kevlar-tasks              lists tasks: IDs, state, name, last system call, where the program is
    kevlar-goroutines         lists goroutines: ID, state, task, where it is
    kevlar-stack ID           the stack of a goroutine that waits, by its ID
    kevlar-stack task ID      the one of a task, by its thread ID

Tasks and goroutines are read from memory: the machine must be stopped, and the kernel must have begun to run programs.
docs/debugging.md tells how to attach.
"""

import gdb

STATUS = {0: "idle", 1: "runnable", 2: "running", 3: "syscall", 4: "waiting", 6: "dead", 9: "preempted"}
DEAD, RUNNING = 6, 2
SCAN = 0x1000  # the collector looks at the stack
SLEEP = {0: "awake", 1: "asleep", 2: "asleep, uninterruptibly"}


def variable(name):
    symbol = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    if symbol is None:
        raise gdb.GdbError("no symbol %s: is this the kernel's ELF file?" % name)
    return symbol.value()


def string(s):
    """A Go string."""
    n = int(s["len"])
    return s["str"].string("utf-8", "replace", length=n) if n else ""


def elements(s):
    """The elements of a Go slice."""
    for i in range(int(s["len"])):
        yield s["array"][i]


def atomic(a):
    """What an atomic.Pointer points to, None for nil. Its first field, an empty array of pointers, has the type."""
    p = a["v"]
    if int(p) == 0:
        return None
    return p.cast(a.type.fields()[0].type.target()).dereference()


def where(pc):
    """The function and line of a code address."""
    pc = int(pc)
    block = gdb.block_for_pc(pc)
    while block and not block.function:
        block = block.superblock
    line = gdb.find_pc_line(pc)
    name = block.function.name if block else "%#x" % pc
    return "%s at %s:%d" % (name, line.symtab.filename if line.symtab else "?", line.line)


def groups(g):
    """A process and all below it, each as a pointer."""
    while int(g):
        yield g
        yield from groups(g["children"])
        g = g["sibling"]


def threads():
    """All tasks."""
    kernel = variable("kevlar/linux/diag.kernel")
    if int(kernel) == 0:
        raise gdb.GdbError("the kernel runs no programs yet")
    first = atomic(kernel["initial"])
    if first is None or int(first["reaper"]) == 0:
        return
    for g in groups(first["reaper"]):
        t = g["threads"]
        while int(t):
            yield g, t
            t = t["next"]


def program_counter(regs):
    names = [f.name for f in regs.type.target().fields()]
    return int(regs["IP"] if "IP" in names else regs["PCReg"])


def global_id(pid):
    return int(pid["numbers"]["array"][0])


class Tasks(gdb.Command):
    """kevlar-tasks: lists the tasks of the Kevlar kernel."""

    def __init__(self):
        super().__init__("kevlar-tasks", gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        print("%7s %7s  %-24s %-16s %-5s %s" % ("process", "thread", "state", "name", "call", "program at"))
        for g, t in threads():
            state = SLEEP.get(int(t["Waiter"]["asleep"]["v"]), "?")
            if t["gone"]:
                state = "ended"
            elif t["stopped"]:
                state = "stopped"
            name = atomic(t["name"])
            print("%7d %7d  %-24s %-16s %-5d %#x" % (
                global_id(g["pid"]), global_id(t["pid"]), state, string(name) if name is not None else "?",
                int(t["Call"]["Number"]), program_counter(t["Regs"])))


def task_label(g):
    """The thread ID of the task that a goroutine is, or belongs to; "" for none."""
    p = g["labels"]
    if int(p) == 0:
        return ""
    labels = p.cast(gdb.lookup_type("internal/runtime/pprof/label.Set").pointer())
    for l in elements(labels["List"]):
        if string(l["Key"]) == "task":
            return string(l["Value"])
    return ""


def goroutines():
    for g in elements(variable("runtime.allgs")):
        status = int(g["atomicstatus"]["value"]) & ~SCAN
        if status != DEAD:
            yield g, status


def frames(g):
    """The code addresses of a goroutine that waits, the innermost first: where it is, and before where each call returns to.
    Frames are linked: at each frame pointer is the caller's, and above it where the call returns."""
    pc, fp = int(g["sched"]["pc"]), int(g["sched"]["bp"])
    low, high = int(g["stack"]["lo"]), int(g["stack"]["hi"])
    word = g["goid"].type.pointer()
    yield pc
    for _ in range(100):
        if not low <= fp < high - 8:
            return
        at = gdb.Value(fp).cast(word)
        fp, pc = int(at[0]), int(at[1])
        yield pc - 1


def outside_runtime(g):
    """Where a goroutine waits, as far as it is not the Go runtime's business."""
    for pc in frames(g):
        at = where(pc)
        if not at.startswith(("runtime.", "internal/", "sync.", "time.")):
            return at
    return where(g["sched"]["pc"])


def wait_reason(g):
    reasons = variable("runtime.waitReasonStrings")
    return string(reasons[int(g["waitreason"])])


class Goroutines(gdb.Command):
    """kevlar-goroutines: lists the goroutines of the Kevlar kernel."""

    def __init__(self):
        super().__init__("kevlar-goroutines", gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        print("%5s %-28s %-6s %s" % ("ID", "state", "task", "at"))
        for g, status in goroutines():
            state = wait_reason(g) if STATUS.get(status) == "waiting" else STATUS.get(status, str(status))
            at = "on a CPU: info threads" if status == RUNNING else outside_runtime(g)
            print("%5d %-28s %-6s %s" % (int(g["goid"]), state, task_label(g), at))


class Stack(gdb.Command):
    """kevlar-stack ID | kevlar-stack task ID: the stack of a goroutine that waits."""

    def __init__(self):
        super().__init__("kevlar-stack", gdb.COMMAND_STACK)

    def invoke(self, arg, from_tty):
        words = gdb.string_to_argv(arg)
        if not words:
            raise gdb.GdbError("which goroutine? kevlar-goroutines lists them")
        found = 0
        for g, status in goroutines():
            if words[0] == "task":
                if len(words) < 2 or task_label(g) != words[1]:
                    continue
            elif int(g["goid"]) != int(words[0]):
                continue
            found += 1
            print("goroutine %d:" % int(g["goid"]))
            if status == RUNNING:
                print("  it is on a CPU: info threads, thread N, backtrace")
                continue
            for n, pc in enumerate(frames(g)):
                print("  #%-2d %s" % (n, where(pc)))
        if not found:
            raise gdb.GdbError("no such goroutine")


gdb.execute("set language go")  # types have Go's names
Tasks()
Goroutines()
Stack()
