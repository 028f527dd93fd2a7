package main

import (
	"bytes"
	"errors"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

var (
	preface     = []byte(http2.ClientPreface)
	text        = bytes.Repeat([]byte{'x'}, 64)
	grpcMessage = append([]byte{0, 0, 0, 0, 64}, text...)

	textHead     = [][2]string{{":status", "200"}, {"content-type", "text/plain"}, {"content-length", "64"}}
	grpcHead     = [][2]string{{":status", "200"}, {"content-type", "application/grpc"}}
	grpcTrailers = [][2]string{{"grpc-status", "0"}}
)

// http2Serve is the upstream's end of an HTTP/2 connection: a gRPC request gets a message and trailers, any other 64 bytes.
type http2Serve struct {
	*http2Conn
	early []byte // the preface as far as it has come; nil once it is complete
	grpc  map[uint32]bool
}

func newHTTP2Serve() *http2Serve {
	conn := newHTTP2Conn()
	// Callers may go away.
	conn.reset = func(uint32) error { return nil }
	return &http2Serve{http2Conn: conn, early: []byte{}, grpc: map[uint32]bool{}}
}

func (c *http2Serve) receive(data, out []byte) ([]byte, error) {
	c.out = out
	if c.early != nil {
		c.early = append(c.early, data...)
		if len(c.early) < len(preface) {
			return c.out, nil
		}
		if !bytes.HasPrefix(c.early, preface) {
			return c.out, errors.New("not the preface of HTTP/2")
		}
		data, c.early = c.early[len(preface):], nil
		c.frame(http2.FrameSettings, 0, 0, nil)
	}
	err := c.http2Conn.receive(data, func(stream uint32, f hpack.HeaderField) {
		if f.Name == "content-type" && strings.HasPrefix(f.Value, "application/grpc") {
			c.grpc[stream] = true
		}
	}, c.answer)
	return c.out, err
}

func (c *http2Serve) answer(stream uint32) error {
	if !c.grpc[stream] {
		return errors.Join(c.headers(stream, textHead, false), c.data(stream, text, true))
	}
	delete(c.grpc, stream)
	return errors.Join(c.headers(stream, grpcHead, false), c.data(stream, grpcMessage, false), c.headers(stream, grpcTrailers, true))
}
