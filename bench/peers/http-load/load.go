package main

import (
	"flag"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

type moment = time.Time

// result of one run. Latencies are in microseconds, to the last byte of the answer: from the write of the request or, at a fixed rate, from the
// moment at which it was due, so that a proxy that makes requests wait does not hide their waiting.
type result struct {
	Requests int     `json:"requests"`
	Seconds  float64 `json:"seconds"`
	Errors   int     `json:"errors"`
	P50      int     `json:"p50"`
	P99      int     `json:"p99"`
}

// loaded is the protocol of one connection. Both append what is to be sent to out.
type loaded interface {
	start(since moment, out []byte) ([]byte, error)
	receive(data, out []byte, done func(since moment, good bool)) ([]byte, error)
}

type loadConn struct {
	loaded
	fd  int
	out []byte
}

type generator struct {
	open      func() loaded
	fresh     bool
	port      int
	poll      *poller
	conns     map[int]*loadConn
	opened    int
	pace      *pace // nil: each answer is followed by the next request
	buffer    []byte
	latencies [1_000_000]int32 // one slot per microsecond, the last for everything slower
	counting  bool
	result    result
}

func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	var ask ask
	port := flags.Int("port", 0, "port of the proxy on 127.0.0.1")
	flags.StringVar(&ask.host, "host", "", "Host header")
	flags.StringVar(&ask.source, "source", "bench/caller-0", "Fence-Source header")
	flags.IntVar(&ask.body, "body", 0, "bytes of the request's body; more than 0 makes it a POST")
	flags.IntVar(&ask.answer, "answer", 64, "bytes of the answer's body")
	protocol := flags.String("protocol", "http1", "http1, http2 or grpc")
	connections := flags.Int("connections", 32, "connections, all open all the time")
	streams := flags.Int("streams", 1, "requests at a time on each connection; more than 1 needs http2 or grpc")
	fresh := flags.Bool("fresh", false, "a new connection for each request")
	rate := flags.Float64("rate", 0, "requests per second; 0: as many as the proxy answers")
	warmUp := flags.Float64("warmup", 0.5, "seconds that do not count")
	seconds := flags.Float64("seconds", 3, "seconds that count")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ask.grpc = *protocol == "grpc"
	open := func() loaded { return newHTTP1Load(ask) }
	if *protocol != "http1" {
		open = func() loaded { return newHTTP2Load(ask) }
	}
	poll, err := newPoller()
	if err != nil {
		return err
	}
	g := &generator{open: open, fresh: *fresh, port: *port, poll: poll, conns: map[int]*loadConn{}, buffer: make([]byte, 64<<10)}
	if *rate > 0 {
		if g.pace, err = newPace(poll, *rate); err != nil {
			return err
		}
	}
	return g.run(*connections, *streams, *warmUp, *seconds)
}

func (g *generator) run(connections, streams int, warmUp, seconds float64) error {
	for range connections {
		conn, err := g.connect()
		if err != nil {
			return fmt.Errorf("port %d: %w", g.port, err)
		}
		for range streams {
			if err := g.free(conn); err != nil {
				return err
			}
		}
		if err := conn.flush(); err != nil {
			return err
		}
	}
	if err := g.runFor(warmUp); err != nil {
		return err
	}
	g.counting = true
	start := time.Now()
	if err := g.runFor(seconds); err != nil {
		return err
	}
	g.result.Seconds = time.Since(start).Seconds()
	g.result.P50, g.result.P99 = g.percentile(0.50), g.percentile(0.99)
	say(g.result)
	return nil
}

// connect comes from an address of its own among many, since a closed connection keeps its port for a minute (TIME_WAIT).
func (g *generator) connect() (*loadConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if g.fresh {
		// Without this option, bind would already need a port that is free towards everybody.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return nil, err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 1, byte(1 + g.opened%64)}}); err != nil {
			return nil, err
		}
	}
	g.opened++
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: g.port}); err != nil {
		return nil, err
	}
	if err := noDelay(fd); err != nil {
		return nil, err
	}
	conn := &loadConn{loaded: g.open(), fd: fd}
	g.conns[fd] = conn
	return conn, g.poll.add(fd)
}

// free says that a connection can take one more request.
func (g *generator) free(conn *loadConn) error {
	if g.pace != nil {
		g.pace.idle = append(g.pace.idle, conn)
		return nil
	}
	return conn.begin(time.Now())
}

func (c *loadConn) begin(since moment) (err error) {
	c.out, err = c.start(since, c.out)
	return err
}

func (c *loadConn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := unix.Write(c.fd, c.out)
	c.out = c.out[:0]
	return err
}

func (g *generator) runFor(seconds float64) error {
	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var failure error
	for failure == nil && time.Now().Before(end) {
		err := g.poll.wait(100, func(fd int, _ bool) {
			if failure != nil {
				return
			}
			if g.pace != nil && fd == g.pace.timer {
				failure = g.pace.tick()
			} else {
				failure = g.receive(g.conns[fd])
			}
		})
		if err != nil {
			return err
		}
		if failure == nil && g.pace != nil {
			failure = g.pace.startDue(time.Now())
		}
	}
	return failure
}

func (g *generator) receive(conn *loadConn) error {
	n, err := unix.Read(conn.fd, g.buffer)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("the proxy closed a connection that was to be kept alive")
	}
	finished := 0
	conn.out, err = conn.loaded.receive(g.buffer[:n], conn.out, func(since moment, good bool) {
		g.count(since, good)
		finished++
	})
	if err != nil {
		return err
	}
	if finished > 0 && g.fresh {
		if conn, err = g.replace(conn); err != nil {
			return err
		}
	}
	for range finished {
		if err := g.free(conn); err != nil {
			return err
		}
	}
	return conn.flush()
}

func (g *generator) replace(conn *loadConn) (*loadConn, error) {
	delete(g.conns, conn.fd)
	if err := unix.Close(conn.fd); err != nil {
		return nil, err
	}
	return g.connect()
}

func (g *generator) count(since moment, good bool) {
	if !g.counting {
		return
	}
	g.result.Requests++
	if !good {
		g.result.Errors++
	}
	g.latencies[min(int(time.Since(since).Microseconds()), len(g.latencies)-1)]++
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
