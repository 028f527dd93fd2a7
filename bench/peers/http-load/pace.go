package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// pace starts requests at a fixed rate, whether or not earlier ones were answered (an open loop).
type pace struct {
	timer    int
	interval time.Duration
	due      moment      // when the next request is
	idle     []*loadConn // connections that can take a request, once for each that they can take
}

// The timer fires for each request, but not so often that firing is all that happens.
const shortestTick = 50 * time.Microsecond

func newPace(poll *poller, rate float64) (*pace, error) {
	// Not epoll's own timeout: its unit is a millisecond, which would bundle the requests.
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	p := &pace{timer: timer, interval: time.Duration(float64(time.Second) / rate), due: time.Now()}
	tick := unix.NsecToTimespec(max(p.interval, shortestTick).Nanoseconds())
	if err := unix.TimerfdSettime(timer, 0, &unix.ItimerSpec{Interval: tick, Value: tick}, nil); err != nil {
		return nil, err
	}
	return p, poll.add(timer)
}

func (p *pace) tick() error {
	var expirations [8]byte
	if _, err := unix.Read(p.timer, expirations[:]); err != nil && err != unix.EAGAIN {
		return err
	}
	return nil
}

// startDue starts every request that is due, as far as a connection can take it; the others are late by the proxy's fault.
func (p *pace) startDue(now moment) error {
	for len(p.idle) > 0 && !p.due.After(now) {
		conn := p.idle[0]
		p.idle = p.idle[1:]
		if err := conn.begin(p.due); err != nil {
			return err
		}
		if err := conn.flush(); err != nil {
			return err
		}
		p.due = p.due.Add(p.interval)
	}
	return nil
}
