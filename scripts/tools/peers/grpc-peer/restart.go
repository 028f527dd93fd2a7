package main

import (
	"net"
	"sync"
	"time"
)

// handedListener gives the connections of one port to one server after another, so that a restart loses none on its way in.
type handedListener struct {
	net.Listener
	connections <-chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func (l *handedListener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case connection := <-l.connections:
		return connection, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends this server's share; the port stays open for the next one.
func (l *handedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// graceful is a server that lets calls finish when it stops.
type graceful interface {
	Serve(net.Listener) error
}

// serveInTurn runs a server and, where every is not 0, replaces it that often: the old one says GOAWAY and stops when its calls are done.
func serveInTurn[S graceful](listener net.Listener, every time.Duration, start func() S, stop func(S)) {
	connections := acceptAll(listener)
	for {
		server := start()
		go func() {
			_ = server.Serve(&handedListener{Listener: listener, connections: connections, closed: make(chan struct{})})
		}()
		if every == 0 {
			return
		}
		time.Sleep(every)
		go stop(server)
	}
}

// acceptAll accepts for all servers.
func acceptAll(listener net.Listener) <-chan net.Conn {
	connections := make(chan net.Conn)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connections <- connection
		}
	}()
	return connections
}
