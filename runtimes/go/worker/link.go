package worker

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	readBytes = 64 << 10
	// crowded is how many bytes may wait to be written before bodies wait for them.
	crowded = 256 << 10
)

// link is the socket to heeler. One goroutine reads; whoever has something to say puts it into `out`, and one of those
// writes all that is there at once.
//
// Neither reads nor writes of a descriptor that does not block can take long, so they go past Go's scheduler
// (RawSyscall): otherwise each would wake the runtime's monitor, which costs more than the call itself. Only the waiting
// is the runtime's.
type link struct {
	fd   int
	file *os.File
	raw  syscall.RawConn

	mu    sync.Mutex
	out   []byte
	spare []byte
	// Somebody writes, or will look at `out` before long.
	busy bool
	// The other end is gone, what is written goes nowhere.
	dead bool
	// This end is closed: a read that fails by that is no error.
	closed bool
	room   sync.Cond
	// Whether one processor serves: who is about to write then lets others run first.
	gathers *atomic.Bool
}

func newLink(fd int) (*link, error) {
	syscall.CloseOnExec(fd)
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "heeler")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	l := &link{fd: fd, file: file, raw: raw, gathers: new(atomic.Bool)}
	l.room.L = &l.mu
	return l, nil
}

// receive reads until the socket ends, which is no error, or until take says that something is wrong. quiet is called
// when all is taken that one read brought: what is said meanwhile goes together.
func (l *link) receive(take func(frame) error, quiet func()) error {
	buffer := make([]byte, readBytes)
	filled, ended := 0, false
	var wrong error
	// The runtime's poller tells once of all changes since it was last asked. So a read that comes back short is no end:
	// the socket's own may have come with those bytes, and nothing would tell of it any more.
	waiting := l.raw.Read(func(uintptr) bool {
		for {
			n, errno := sysRead(l.fd, buffer[filled:])
			switch {
			case errno == syscall.EINTR:
				continue
			case errno == syscall.EAGAIN:
				return false
			case errno != 0 || n == 0:
				ended = true
				return true
			}
			mine := l.hold()
			buffer, filled, wrong = consume(buffer, filled+n, take)
			quiet()
			if mine {
				l.flush()
			}
			if wrong != nil {
				return true
			}
		}
	})
	if wrong != nil || ended || l.isClosed() {
		return wrong
	}
	return waiting
}

// consume takes the whole frames at the front of the buffer, and moves what is left there.
func consume(buffer []byte, filled int, take func(frame) error) ([]byte, int, error) {
	at := 0
	for {
		f, used, need, err := cut(buffer[at:filled])
		if err != nil {
			return buffer, filled, err
		}
		if used == 0 {
			rest := copy(buffer, buffer[at:filled])
			if need > len(buffer) {
				buffer = append(buffer, make([]byte, need-len(buffer))...)
			}
			return buffer, rest, nil
		}
		at += used
		if f.kind >= optional {
			continue
		}
		if err := take(f); err != nil {
			return buffer, filled, err
		}
	}
}

// begin locks `out`, for the caller to append whole frames to it; commit sends them.
func (l *link) begin() { l.mu.Lock() }

func (l *link) commit() {
	mine := !l.busy
	l.busy = true
	l.mu.Unlock()
	if !mine {
		return
	}
	if l.gathers.Load() {
		// Others that end just now go with it.
		runtime.Gosched()
	}
	l.flush()
}

// hold keeps everybody from writing until flush: what they say meanwhile goes together. False if somebody writes already.
func (l *link) hold() bool {
	l.mu.Lock()
	mine := !l.busy
	l.busy = true
	l.mu.Unlock()
	return mine
}

// flush writes until there is nothing more, or the socket is full: then a goroutine of its own goes on, so that nobody
// waits who has anything else to do. Only who has set `busy` may.
func (l *link) flush() {
	l.mu.Lock()
	for len(l.out) > 0 && !l.dead {
		out := l.out
		l.out, l.spare = l.spare[:0], nil
		l.mu.Unlock()
		rest, errno := l.write(out)
		if errno == syscall.EAGAIN {
			go l.writeOn(out, rest)
			return
		}
		l.wrote(out, errno == 0)
	}
	if l.dead {
		l.out = nil
	}
	l.busy = false
	l.room.Broadcast()
	l.mu.Unlock()
}

// wrote gives memory back to be used again; it leaves with the lock held.
func (l *link) wrote(out []byte, well bool) {
	l.mu.Lock()
	l.dead = l.dead || !well
	if cap(out) <= 2*crowded {
		l.spare = out[:0]
	}
	l.room.Broadcast()
}

// writeOn waits until the other side has read enough, and goes on with flush.
func (l *link) writeOn(out, rest []byte) {
	var errno syscall.Errno
	err := l.raw.Write(func(uintptr) bool {
		rest, errno = l.write(rest)
		return errno != syscall.EAGAIN
	})
	l.wrote(out, err == nil && errno == 0)
	l.mu.Unlock()
	l.flush()
}

// write sends what the socket takes now, and says what is left.
func (l *link) write(bytes []byte) ([]byte, syscall.Errno) {
	for len(bytes) > 0 {
		n, errno := sysWrite(l.fd, bytes)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return bytes, errno
		}
		bytes = bytes[n:]
	}
	return bytes, 0
}

// waitForRoom lets bodies wait while much is unwritten, so that it does not pile up.
func (l *link) waitForRoom() {
	l.mu.Lock()
	for len(l.out) > crowded && !l.dead {
		l.room.Wait()
	}
	l.mu.Unlock()
}

func (l *link) send(kind byte, last bool, stream uint32, payload []byte) {
	l.begin()
	l.out = append(putHeader(l.out, len(payload), kind, last, stream), payload...)
	l.commit()
}

// drained waits until all is written.
func (l *link) drained() {
	l.mu.Lock()
	for (l.busy || len(l.out) > 0) && !l.dead {
		if !l.busy {
			l.busy = true
			l.mu.Unlock()
			l.flush()
			l.mu.Lock()
			continue
		}
		l.room.Wait()
	}
	l.mu.Unlock()
}

// close waits for whoever writes: the descriptor's number may soon be another file's.
func (l *link) close() {
	l.mu.Lock()
	l.dead, l.closed = true, true
	for l.busy {
		l.room.Wait()
	}
	l.mu.Unlock()
	l.file.Close()
}

func (l *link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func sysRead(fd int, to []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&to[0])), uintptr(len(to)))
	return int(n), errno
}

func sysWrite(fd int, from []byte) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&from[0])), uintptr(len(from)))
	return int(n), errno
}
