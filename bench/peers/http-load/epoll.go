package main

import "syscall"

// poller is the little of epoll that both halves need. Level-triggered, so a short read is simply reported again.
type poller struct {
	fd     int
	events [256]syscall.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &poller{fd: fd}, err
}

func (p *poller) add(fd int) error {
	return syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// wait blocks until something is readable, at most the given milliseconds, and calls ready for each.
func (p *poller) wait(milliseconds int, ready func(fd int)) error {
	n, err := syscall.EpollWait(p.fd, p.events[:], milliseconds)
	if err == syscall.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range n {
		ready(int(p.events[i].Fd))
	}
	return nil
}

func noDelay(fd int) error {
	return syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
}
