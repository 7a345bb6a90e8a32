package worker

import (
	"testing"
	"time"
)

// receiving reads on its own: each frame is told, and waits until the test has done what it wants to.
func receiving(t *testing.T, l *link, taken func()) (over chan error) {
	t.Helper()
	over = make(chan error, 1)
	go func() {
		over <- l.receive(func(frame) error { taken(); return nil }, func() {})
	}()
	return over
}

func endOf(t *testing.T, over chan error) {
	t.Helper()
	select {
	case err := <-over:
		if err != nil {
			t.Fatalf("%v", err)
		}
	case <-time.After(patience):
		t.Fatal("the reader does not end")
	}
}

// What comes while the reader is busy is told of once: bytes, and the end behind them.
func TestTheEndIsSeenBehindBytesThatCameWithIt(t *testing.T) {
	ping := append(putHeader(nil, 1, tPing, false, 0), askReady)
	for round := 0; round < 100; round++ {
		ours, socket := pair(t)
		l, err := newLink(ours)
		if err != nil {
			t.Fatal(err)
		}
		frames := 0
		over := receiving(t, l, func() {
			if frames++; frames == 1 {
				_, _ = socket.Write(ping)
				socket.Close()
			}
		})
		if _, err := socket.Write(ping); err != nil {
			t.Fatal(err)
		}
		endOf(t, over)
		l.close()
		if frames != 2 {
			t.Fatalf("%d frames", frames)
		}
	}
}

// Who closes its own end accuses nobody.
func TestAnEndOfOursIsNoError(t *testing.T) {
	ours, socket := pair(t)
	defer socket.Close()
	l, err := newLink(ours)
	if err != nil {
		t.Fatal(err)
	}
	reads := make(chan struct{})
	over := receiving(t, l, func() { close(reads) })
	if _, err := socket.Write(append(putHeader(nil, 1, tPing, false, 0), askReady)); err != nil {
		t.Fatal(err)
	}
	<-reads
	l.close()
	endOf(t, over)
}
