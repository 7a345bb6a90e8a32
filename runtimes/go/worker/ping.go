package worker

import (
	"context"
	"fmt"
)

const (
	askAlive byte = iota
	askReady
)

// ping answers at once, unless the function wants to answer by itself.
func (s *serving) ping(question byte) {
	open, takes := s.state()
	hook := s.function.Alive
	if question == askReady {
		hook = s.function.Ready
	}
	if hook == nil {
		s.pong(question, question == askAlive || takes, fmt.Sprintf("%d of %d places taken", open, s.concurrency))
		return
	}
	go func() {
		well, why := ask(hook)
		s.pong(question, well, why)
	}()
}

// ask calls a hook, which may fail in any way.
func ask(hook func(context.Context) (bool, error)) (well bool, why string) {
	defer func() {
		if reason := recover(); reason != nil {
			well, why = false, fmt.Sprint(reason)
		}
	}()
	well, err := hook(context.Background())
	if err != nil {
		return false, err.Error()
	}
	return well, ""
}

func (s *serving) pong(question byte, well bool, why string) {
	yes := byte(0)
	if well {
		yes = 1
	}
	s.link.send(tPong, false, 0, append([]byte{question, yes}, why...))
}
