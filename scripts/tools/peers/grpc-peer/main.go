// Command grpc-peer is what the proxy's tests hold HTTP/2 and gRPC against: clients and servers of grpc-go and of Go's net/http.
//
//	grpc-peer serve [flags]     a gRPC server; its port is the first line of its output, and it ends with its standard input
//	grpc-peer serve-http        an HTTP/2 server that answers from the header, in the same way
//	grpc-peer serve-echo        an HTTP/2 and HTTP/1.1 server that sends body, fields and trailers back, in the same way
//	grpc-peer call [flags]      gRPC calls of one kind; a line of JSON says what became of them
//	grpc-peer post [flags]      HTTP/2 uploads; the same
//	grpc-peer echo [flags]      HTTP requests whose whole answer is known; the same
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: grpc-peer serve|serve-http|serve-echo|call|post|echo [flags]")
	}
	commands := map[string]func(args []string){
		"serve": serve, "serve-http": serveHTTP, "serve-echo": serveEcho, "call": call, "post": post, "echo": echoHTTP,
	}
	command := commands[os.Args[1]]
	if command == nil {
		log.Fatalf("no such command: %s", os.Args[1])
	}
	command(os.Args[2:])
}

// listen opens a free port of loopback and prints it.
func listen() net.Listener {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return listener
}

// untilInputEnds blocks for as long as whoever started this process lives.
func untilInputEnds() {
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// Outcomes counts what became of calls, by status.
type Outcomes map[string]int

// inParallel does something so many times, some of them at once. What each returns is called one after the other.
func inParallel(times, parallel int, do func() func()) {
	work, done := make(chan struct{}), make(chan func())
	for range parallel {
		go func() {
			for range work {
				done <- do()
			}
		}()
	}
	go func() {
		for range times {
			work <- struct{}{}
		}
		close(work)
	}()
	for range times {
		(<-done)()
	}
}

func printJSON(value any) {
	if err := json.NewEncoder(os.Stdout).Encode(value); err != nil {
		log.Fatal(err)
	}
}

// calleeFlags are those of every client: whom it calls, and by what name and on whose behalf.
func calleeFlags(flags *flag.FlagSet) (target, authority, source *string) {
	return flags.String("target", "", "ip:port"), flags.String("authority", "", ":authority of what is sent"), flags.String("source", "", "value of fence-source")
}
