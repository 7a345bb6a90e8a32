package worker

import (
	"runtime"
	"testing"
	"time"
)

// span by span: calls that came, processor time that they took, how long the reader waited, and what is to be.
func TestLightTrafficIsServedByOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	t.Setenv("GOMAXPROCS", "")
	var p processors
	var used time.Duration
	p.settle("")
	p.used = func() time.Duration { return used }
	now := time.Unix(1000, 0)
	for at, row := range []struct {
		calls int64
		used  time.Duration
		waits time.Duration
		light bool
	}{
		{1000, 10 * time.Millisecond, 0, false}, // the first look has nothing to compare with
		{1000, 10 * time.Millisecond, 0, true},
		{1000, 10 * time.Millisecond, 5 * time.Millisecond, true}, // others kept the machine busy
		{10, 50 * time.Millisecond, 50 * time.Millisecond, false}, // a call kept the processor for itself
		{1000, 10 * time.Millisecond, 0, false},                   // the pause behind that
	} {
		now = now.Add(span + time.Millisecond)
		p.calls.Add(row.calls)
		used += row.used
		p.batch(now, row.waits)
		if p.light.Load() != row.light || (runtime.GOMAXPROCS(0) == 1) != row.light {
			t.Fatalf("row %d: light is %v, %d processors", at, p.light.Load(), runtime.GOMAXPROCS(0))
		}
	}
	now = now.Add(2 * leastPause)
	p.judge(now, false)
	now = now.Add(span + time.Millisecond)
	p.calls.Add(1000)
	used += time.Millisecond
	p.batch(now, 0)
	if !p.light.Load() {
		t.Fatal("not light again")
	}
	// No call comes: whatever else the program does has all processors.
	p.judge(now.Add(span), false)
	if p.light.Load() || runtime.GOMAXPROCS(0) != 4 {
		t.Fatalf("%d processors when nothing comes", runtime.GOMAXPROCS(0))
	}
}

func TestProcessorsAreAsToldWhereNobodyElseSays(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	t.Setenv("GOMAXPROCS", "3")
	var fixed processors
	fixed.settle("2")
	if runtime.GOMAXPROCS(0) != 4 || !fixed.fixed {
		t.Errorf("%d processors against the environment", runtime.GOMAXPROCS(0))
	}
	t.Setenv("GOMAXPROCS", "")
	var told processors
	told.settle("2")
	if runtime.GOMAXPROCS(0) != 2 || told.fixed {
		t.Errorf("%d processors", runtime.GOMAXPROCS(0))
	}
}
