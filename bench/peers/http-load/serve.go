package main

import (
	"bytes"
	"strings"
	"syscall"
)

var (
	endOfHead = []byte("\r\n\r\n")
	answer    = []byte("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 64\r\n\r\n" + strings.Repeat("x", 64))
)

// serve answers every request on every connection with the same 64 bytes. Requests must have no body.
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
	// What each connection sent of a head that is not complete yet.
	pending := map[int][]byte{}
	buffer := make([]byte, 64<<10)
	for {
		err := poll.wait(-1, func(fd int) {
			if fd == listener {
				accept(poll, listener)
				return
			}
			rest, open := answerAll(fd, append(pending[fd], read(fd, buffer)...))
			if open {
				pending[fd] = rest
			} else {
				delete(pending, fd)
				syscall.Close(fd)
			}
		})
		if err != nil {
			return err
		}
	}
}

func listen() (int, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	if err := syscall.Listen(fd, 1024); err != nil {
		return 0, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	say(map[string]int{"port": name.(*syscall.SockaddrInet4).Port})
	return fd, nil
}

func accept(poll *poller, listener int) {
	fd, _, err := syscall.Accept(listener)
	if err != nil {
		return
	}
	fail(noDelay(fd))
	fail(poll.add(fd))
}

func read(fd int, buffer []byte) []byte {
	n, err := syscall.Read(fd, buffer)
	if err != nil || n <= 0 {
		return nil
	}
	return buffer[:n]
}

// answerAll answers the complete heads in input and returns what is left. Not open: the peer has gone.
func answerAll(fd int, input []byte) (rest []byte, open bool) {
	heads := bytes.Count(input, endOfHead)
	if heads == 0 {
		return input, len(input) > 0
	}
	if _, err := syscall.Write(fd, bytes.Repeat(answer, heads)); err != nil {
		return nil, false
	}
	return input[bytes.LastIndex(input, endOfHead)+len(endOfHead):], true
}
