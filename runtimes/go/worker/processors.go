package worker

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// While calls are many and each has little to do, one processor serves them with half the work that several need: Go
// wakes another thread for every goroutine that starts, and that thread finds nothing to do. So the program is kept on
// one processor while such traffic lasts, and gets all of its own back at once when there is more to do than one can, when a
// call keeps it for itself, and when the traffic ends. A GOMAXPROCS in the environment is left as it is.

const (
	// span is how long traffic is looked at before it is judged.
	span = 50 * time.Millisecond
	// lively is how many calls in a span are traffic.
	lively = 100
	// lightCall is processor time that a call may have, and lightLoad what all of them may have of one processor.
	lightCall = 40 * time.Microsecond
	lightLoad = 0.7
	// fullLoad of one processor means that more are wanted.
	fullLoad = 0.85
	// slow is how long one call may keep others waiting.
	slow = 2 * time.Millisecond
	// leastPause is how long all processors stay after that, twice as long each time.
	leastPause = time.Second
	mostPause  = time.Minute
)

type processors struct {
	fixed bool
	// Whether one processor serves just now.
	light atomic.Bool
	calls atomic.Int64
	// What the process has used of all processors; tests say it.
	used func() time.Duration

	mu    sync.Mutex
	all   int
	began time.Time
	spent time.Duration
	seen  int64
	pause time.Duration
	until time.Time
	timer *time.Timer
}

// settle follows what heeler says of the processors; Go before 1.25 does not know of a container's share.
func (p *processors) settle(told string) {
	p.fixed = os.Getenv("GOMAXPROCS") != ""
	if most, err := strconv.Atoi(told); err == nil && most > 0 && most < runtime.GOMAXPROCS(0) && !p.fixed {
		runtime.GOMAXPROCS(most)
	}
	p.all = runtime.GOMAXPROCS(0)
	p.light.Store(p.all == 1)
	p.fixed = p.fixed || p.all == 1
	p.pause = leastPause
	p.used = cpuTime
}

// batch is the reader's: what one read brought was let run for that long.
func (p *processors) batch(now time.Time, took time.Duration) {
	if p.fixed {
		return
	}
	if p.light.Load() {
		if took > slow {
			p.judge(now, true)
		}
	} else if now.Sub(p.began) > span {
		p.judge(now, false)
	}
}

// judge looks at what was done since the last time.
func (p *processors) judge(now time.Time, waited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	spent, calls := p.used(), p.calls.Load()
	past, used, count := now.Sub(p.began), spent-p.spent, calls-p.seen
	first := p.began.IsZero()
	p.began, p.spent, p.seen = now, spent, calls
	load := float64(used) / float64(past+1)
	switch {
	case p.light.Load():
		// A machine that is busy with others makes us wait, too: what counts is our own processor time.
		hogged := waited && used > time.Duration(count)*lightCall+slow
		if hogged || load > fullLoad {
			p.until, p.pause = now.Add(p.pause), min(2*p.pause, mostPause)
		}
		if hogged || load > fullLoad || (!waited && count == 0) {
			p.widen()
		}
	case first || past > 4*span || now.Before(p.until):
	case count >= lively && used < time.Duration(count)*lightCall && load < lightLoad:
		p.narrow()
	}
}

func (p *processors) narrow() {
	p.all = runtime.GOMAXPROCS(1)
	p.light.Store(true)
	p.timer = time.AfterFunc(span, p.tick)
}

func (p *processors) widen() {
	p.timer.Stop()
	p.light.Store(false)
	runtime.GOMAXPROCS(p.all)
}

// tick looks while one processor serves.
func (p *processors) tick() {
	p.judge(time.Now(), false)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.light.Load() {
		p.timer.Reset(span)
	}
}

// cpuTime is what this process has used of all processors.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
