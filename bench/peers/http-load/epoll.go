package main

import "golang.org/x/sys/unix"

// poller is the little of epoll that both halves need. Level-triggered, so a short read is simply reported again.
type poller struct {
	fd     int
	events [256]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &poller{fd: fd}, err
}

func (p *poller) add(fd int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// watchWrites asks for a report when fd can be written, or no longer.
func (p *poller) watchWrites(fd int, watch bool) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if watch {
		event.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &event)
}

// wait blocks until something can be read or written, at most the given milliseconds, and calls ready for each.
func (p *poller) wait(milliseconds int, ready func(fd int, writable bool)) error {
	n, err := unix.EpollWait(p.fd, p.events[:], milliseconds)
	if err == unix.EINTR {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range n {
		ready(int(p.events[i].Fd), p.events[i].Events&unix.EPOLLOUT != 0)
	}
	return nil
}

func noDelay(fd int) error {
	return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
}
