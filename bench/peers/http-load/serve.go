package main

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// served is one end of a connection: receive takes what arrived and appends what is to be sent.
type served interface {
	receive(data, out []byte) ([]byte, error)
}

type servedConn struct {
	served
	out      []byte
	watching bool // whether out waits until the socket can be written
}

type upstream struct {
	poll   *poller
	conns  map[int]*servedConn
	buffer []byte
}

// serve answers every request on every connection: HTTP/1.1, or HTTP/2 by prior knowledge.
func serve() error {
	listener, err := listen()
	if err != nil {
		return err
	}
	poll, err := newPoller()
	if err != nil {
		return err
	}
	if err := poll.add(listener); err != nil {
		return err
	}
	u := &upstream{poll: poll, conns: map[int]*servedConn{}, buffer: make([]byte, 64<<10)}
	for {
		err := poll.wait(-1, func(fd int, writable bool) {
			switch {
			case fd == listener:
				u.accept(listener)
			case writable:
				u.flush(fd)
			default:
				u.receive(fd)
			}
		})
		if err != nil {
			return err
		}
	}
}

func (u *upstream) accept(listener int) {
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if err != nil {
		return
	}
	fail(noDelay(fd))
	fail(u.poll.add(fd))
	u.conns[fd] = &servedConn{}
}

func (u *upstream) receive(fd int) {
	n, err := unix.Read(fd, u.buffer)
	if err == unix.EAGAIN {
		return
	}
	if err != nil || n <= 0 {
		u.close(fd)
		return
	}
	conn, data := u.conns[fd], u.buffer[:n]
	if conn.served == nil {
		conn.served = protocolOf(data)
	}
	if conn.out, err = conn.served.receive(data, conn.out); err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		u.close(fd)
		return
	}
	u.flush(fd)
}

// protocolOf a connection by its first bytes: no method of HTTP/1.1 begins as HTTP/2's preface does.
func protocolOf(data []byte) served {
	if bytes.HasPrefix(data, preface[:min(len(data), 4)]) {
		return newHTTP2Serve()
	}
	return &http1Serve{}
}

func (u *upstream) flush(fd int) {
	conn := u.conns[fd]
	for len(conn.out) > 0 {
		n, err := unix.Write(fd, conn.out)
		if err == unix.EAGAIN {
			break
		}
		if err != nil {
			u.close(fd)
			return
		}
		conn.out = conn.out[:copy(conn.out, conn.out[n:])]
	}
	if waiting := len(conn.out) > 0; waiting != conn.watching {
		conn.watching = waiting
		fail(u.poll.watchWrites(fd, waiting))
	}
}

func (u *upstream) close(fd int) {
	delete(u.conns, fd)
	unix.Close(fd)
}

func listen() (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	if err := unix.Listen(fd, 1024); err != nil {
		return 0, err
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	say(map[string]int{"port": name.(*unix.SockaddrInet4).Port})
	return fd, nil
}
