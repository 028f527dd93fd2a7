package main

import (
	"bytes"
	"flag"
	"fmt"
	"strconv"
	"syscall"
	"time"
)

// result of one run. Latencies are in microseconds, from the write of a request to the last byte of its answer.
type result struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	Errors   int     `json:"errors"`
	P50      int     `json:"p50"`
	P99      int     `json:"p99"`
}

type connection struct {
	sent   time.Time
	answer []byte
}

type generator struct {
	poll        *poller
	request     []byte
	connections map[int]*connection
	buffer      []byte
	latencies   [1_000_000]int32 // one slot per microsecond, the last for everything slower
	counting    bool
	result      result
}

func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	port := flags.Int("port", 0, "port of the proxy on 127.0.0.1")
	host := flags.String("host", "", "Host header")
	source := flags.String("source", "bench/caller-0", "Fence-Source header")
	connections := flags.Int("connections", 32, "keep-alive connections, one request at a time on each")
	warmUp := flags.Float64("warmup", 0.5, "seconds that do not count")
	seconds := flags.Float64("seconds", 3, "seconds that count")
	if err := flags.Parse(args); err != nil {
		return err
	}
	poll, err := newPoller()
	if err != nil {
		return err
	}
	g := &generator{poll: poll, request: request(*host, *source), connections: map[int]*connection{}, buffer: make([]byte, 64<<10)}
	for range *connections {
		if err := g.connect(*port); err != nil {
			return fmt.Errorf("port %d: %w", *port, err)
		}
	}
	if err := g.runFor(*warmUp); err != nil {
		return err
	}
	g.counting = true
	start := time.Now()
	if err := g.runFor(*seconds); err != nil {
		return err
	}
	g.result.Seconds = time.Since(start).Seconds()
	g.result.P50, g.result.P99 = g.percentile(0.50), g.percentile(0.99)
	say(g.result)
	return nil
}

// request is what a caller's Envoy sends to the global sidecar.
func request(host, source string) []byte {
	return []byte("GET /api/v1/items HTTP/1.1\r\nhost: " + host + "\r\nuser-agent: bench\r\naccept: */*\r\n" +
		"fence-source: " + source + "\r\nslime-orig-dest: 10.78.0.1:80\r\nslime-source-ns: bench\r\n" +
		"x-request-id: 2f2c1f6a-5d3e-9b0a-8e11-4b8f5a3a9f00\r\nx-forwarded-proto: http\r\n\r\n")
}

func (g *generator) connect(port int) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}); err != nil {
		return err
	}
	if err := noDelay(fd); err != nil {
		return err
	}
	g.connections[fd] = &connection{}
	if err := g.poll.add(fd); err != nil {
		return err
	}
	return g.send(fd)
}

func (g *generator) send(fd int) error {
	c := g.connections[fd]
	c.answer = c.answer[:0]
	c.sent = time.Now()
	_, err := syscall.Write(fd, g.request)
	return err
}

func (g *generator) runFor(seconds float64) error {
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var failure error
	for failure == nil && time.Now().Before(end) {
		if err := g.poll.wait(100, func(fd int) {
			if err := g.receive(fd); err != nil && failure == nil {
				failure = err
			}
		}); err != nil {
			return err
		}
	}
	return failure
}

func (g *generator) receive(fd int) error {
	c := g.connections[fd]
	n, err := syscall.Read(fd, g.buffer)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("the proxy closed a keep-alive connection after %q", c.answer)
	}
	c.answer = append(c.answer, g.buffer[:n]...)
	complete, err := isComplete(c.answer)
	if err != nil || !complete {
		return err
	}
	g.count(c)
	return g.send(fd)
}

func (g *generator) count(c *connection) {
	if !g.counting {
		return
	}
	g.result.Requests++
	if !bytes.HasPrefix(c.answer, []byte("HTTP/1.1 200 ")) {
		g.result.Errors++
	}
	g.latencies[min(int(time.Since(c.sent).Microseconds()), len(g.latencies)-1)]++
}

// isComplete wants a content-length in each answer: the upstream sends one, and a proxy has no reason to take it away.
func isComplete(answer []byte) (bool, error) {
	end := bytes.Index(answer, endOfHead)
	if end < 0 {
		return false, nil
	}
	head := answer[:end+2]
	at := bytes.Index(head, []byte("ontent-length: "))
	if at < 0 {
		at = bytes.Index(head, []byte("ontent-Length: "))
	}
	if at < 0 {
		return false, fmt.Errorf("an answer without content-length: %q", answer)
	}
	value := head[at+len("ontent-length: "):]
	length, err := strconv.Atoi(string(value[:bytes.IndexByte(value, '\r')]))
	return len(answer) >= end+4+length, err
}

func (g *generator) percentile(share float64) int {
	left := int(share * float64(g.result.Requests))
	for microseconds, count := range g.latencies {
		left -= int(count)
		if left < 0 {
			return microseconds
		}
	}
	return len(g.latencies)
}
