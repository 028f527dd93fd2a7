package main

import (
	"fmt"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// http2Load is the load generator's end of an HTTP/2 connection.
type http2Load struct {
	*http2Conn
	ask    ask
	fields [][2]string
	body   []byte
	begun  bool
	next   uint32
	calls  map[uint32]*call
}

// call is a request whose answer is not complete.
type call struct {
	since        moment
	status, grpc string
}

func newHTTP2Load(ask ask) *http2Load {
	method := "GET"
	if ask.body > 0 || ask.grpc {
		method = "POST"
	}
	fields := [][2]string{{":method", method}, {":scheme", "http"}, {":authority", ask.host}, {":path", ask.path()}}
	if ask.grpc {
		fields = append(fields, [2]string{"content-type", "application/grpc"}, [2]string{"te", "trailers"})
	}
	fields = append(fields, ask.fields()...)
	c := &http2Load{http2Conn: newHTTP2Conn(), ask: ask, fields: fields, body: ask.payload(), next: 1, calls: map[uint32]*call{}}
	// A server may reset a stream that it has answered whole (RFC 9113 §8.1).
	c.reset = func(stream uint32) error {
		if _, open := c.calls[stream]; open || stream == 0 {
			return fmt.Errorf("the proxy reset stream %d (0: the connection)", stream)
		}
		return nil
	}
	return c
}

func (c *http2Load) start(since moment, out []byte) ([]byte, error) {
	c.out = out
	if !c.begun {
		c.begun = true
		c.out = append(c.out, http2.ClientPreface...)
		c.frame(http2.FrameSettings, 0, 0, nil)
	}
	stream := c.next
	c.next += 2
	c.calls[stream] = &call{since: since}
	if err := c.headers(stream, c.fields, len(c.body) == 0); err != nil {
		return c.out, err
	}
	if len(c.body) == 0 {
		return c.out, nil
	}
	err := c.data(stream, c.body, true)
	return c.out, err
}

func (c *http2Load) receive(data, out []byte, done func(since moment, good bool)) ([]byte, error) {
	c.out = out
	field := func(stream uint32, f hpack.HeaderField) {
		switch call := c.calls[stream]; f.Name {
		case ":status":
			call.status = f.Value
		case "grpc-status":
			call.grpc = f.Value
		}
	}
	err := c.http2Conn.receive(data, field, func(stream uint32) error {
		call := c.calls[stream]
		delete(c.calls, stream)
		done(call.since, call.status == "200" && (!c.ask.grpc || call.grpc == "0"))
		return nil
	})
	return c.out, err
}
