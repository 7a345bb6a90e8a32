package worker

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
)

const (
	exitNotLoaded = 1
	exitBroken    = 70
)

// Settings are what heeler's HELLO says: handler, handler_style, event_data, processors.
type Settings map[string]string

// descriptor is the socket's, which heeler names in HEELER_FD; -1 where heeler has not started this program.
func descriptor() (int, error) {
	named, set := os.LookupEnv("HEELER_FD")
	if !set {
		return -1, nil
	}
	os.Unsetenv("HEELER_FD")
	fd, err := strconv.Atoi(named)
	if err != nil || fd < 0 || fd == 1 || fd == 2 {
		return -1, fmt.Errorf("HEELER_FD is %q, which names no socket", named)
	}
	syscall.CloseOnExec(fd)
	return fd, nil
}

// run serves the calls that come over a socket, and says the program's exit code.
func run(fd int, load func(Settings) (*Function, error)) int {
	l, err := newLink(fd)
	if err != nil {
		complain(fmt.Sprintf("descriptor %d: %v", fd, err))
		return exitBroken
	}
	defer l.close()
	r := &running{link: l, load: load, up: make(chan *serving, 1), over: make(chan int, 3), signals: make(chan os.Signal, 2)}
	go r.receive()
	select {
	case code := <-r.over:
		return code
	case s := <-r.up:
		return r.until(s)
	}
}

// running is one run's two ends: the goroutine that reads, and the one that waits for the end.
type running struct {
	link    *link
	load    func(Settings) (*Function, error)
	serving *serving
	up      chan *serving
	over    chan int
	// Heard from our HELLO on: before it there are no calls that could be lost.
	signals chan os.Signal
}

func (r *running) receive() {
	err := r.link.receive(r.take, func() {
		if r.serving != nil {
			r.serving.quiet()
		}
	})
	if err == nil {
		// heeler is gone, and with it everybody who waits.
		r.over <- 0
		return
	}
	if unloaded, ok := err.(*fault); ok && unloaded.kind == notLoaded {
		r.link.send(tError, true, 0, unloaded.payload(0))
		r.link.drained()
		r.over <- exitNotLoaded
		return
	}
	r.broke(err)
}

func (r *running) broke(err error) {
	complain("heeler sent " + err.Error())
	r.over <- exitBroken
}

// take is serving's, once the function is loaded.
func (r *running) take(f frame) error {
	if r.serving != nil {
		return r.serving.take(f)
	}
	greeted, err := readHello(f)
	if err != nil {
		return err
	}
	function, err := loaded(r.load, greeted.settings)
	if err != nil {
		return err
	}
	s := newServing(r.link, function, greeted)
	s.broke = r.broke
	r.serving = s
	signal.Notify(r.signals, syscall.SIGTERM, syscall.SIGINT)
	r.link.begin()
	r.link.out = putHello(r.link.out, s.concurrency, function)
	r.link.commit()
	r.up <- s
	return nil
}

// loaded loads the function; what goes wrong there is told to heeler, whose log then has it.
func loaded(load func(Settings) (*Function, error), settings Settings) (function *Function, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = &fault{kind: notLoaded, name: fmt.Sprintf("%T", reason), message: fmt.Sprint(reason), stack: string(debug.Stack())}
		}
	}()
	if function, err = load(settings); err != nil {
		return nil, &fault{kind: notLoaded, name: "load", message: err.Error()}
	}
	return function, function.start()
}

// until waits for the end of a worker that serves.
func (r *running) until(s *serving) int {
	defer signal.Stop(r.signals)
	again := false
	for {
		select {
		case code := <-r.over:
			s.shut()
			return code
		case <-r.signals:
			// Calls may be on their way: none is behind heeler's BYE, which follows ours. Who asks twice does not wait
			// for it.
			if again {
				s.leave()
			}
			again = true
			s.retire("a signal asked it to end")
		case <-s.idle:
			r.link.drained()
			return s.function.stop()
		}
	}
}
