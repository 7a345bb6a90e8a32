package worker

import (
	"errors"
	"fmt"
)

// mostAttributes is what an answer's head can count.
const mostAttributes = 255

// event is one of a batch.
type event struct {
	attributes []string
	data       []byte
}

// Attributes are those of the event that the call is, decoded: a name and its value in turn. None for a request.
func (c *call) Attributes() []string {
	f := head{rest: c.fields}
	for at := 0; at < fixedFields; at++ {
		f.next()
	}
	pairs := make([]string, 2*c.attributes())
	for at := range pairs {
		pairs[at] = f.next()
	}
	return pairs
}

// Events are the events of a batch, their attributes and their data; none for any other call.
func (c *call) Events() (attributes [][]string, data [][]byte) {
	for _, one := range c.batch {
		attributes = append(attributes, one.attributes)
		data = append(data, one.data)
	}
	return attributes, data
}

// ReplyEvent answers with an event: heeler makes headers of its attributes, and checks them. What the answer's Header
// has goes with it.
func (c *call) ReplyEvent(status int, attributes []string, data []byte) error {
	w := &c.response
	if w.status != 0 || w.over {
		return errors.New("the answer has begun already")
	}
	if len(attributes)/2 > mostAttributes {
		return fmt.Errorf("an event of %d attributes, at most %d can be sent", len(attributes)/2, mostAttributes)
	}
	w.status = status
	w.take()
	w.kind, w.attributes = kindEvent, byte(len(attributes)/2)
	w.fields = putPairs(w.fields, attributes...)
	w.putHead()
	w.checkHead()
	w.typed = true
	_, err := w.Write(data)
	return err
}

// Fail ends the call with an ERROR of that status (0 leaves it to heeler): what is said goes to the log.
func (c *call) Fail(status int, name, message string) {
	c.fail(&fault{kind: raised, status: status, name: name, message: message})
}
