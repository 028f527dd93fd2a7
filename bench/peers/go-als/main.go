// go-als is the usual Go access-log service: grpc-go and the generated types of go-control-plane. It does what Fenceline's collector does with
// an entry: source from the stream's log name, destination from upstream_cluster, and a map of edges with their last sighting.
//
// Prints {"port":…}, then for each line on standard input {"entries":…,"edges":…}.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	data "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	als "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	"google.golang.org/grpc"
)

func main() {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	book := &edgeBook{edges: map[string]map[string]*edge{}}
	server := grpc.NewServer()
	als.RegisterAccessLogServiceServer(server, &collector{book: book})
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	go answerQuestions(book)
	log.Fatal(server.Serve(listener))
}

type collector struct {
	als.UnimplementedAccessLogServiceServer
	book *edgeBook
}

func (c *collector) StreamAccessLogs(stream als.AccessLogService_StreamAccessLogsServer) error {
	var source string
	for {
		message, err := stream.Recv()
		if err != nil {
			return nil
		}
		// Only the first message of a stream says who sends it.
		if name := message.GetIdentifier().GetLogName(); name != "" {
			source = strings.TrimPrefix(name, "fenceline/")
		}
		c.book.observe(source, message.GetHttpLogs().GetLogEntry())
	}
}

type edge struct {
	lastSeen time.Time
	requests uint64
	ports    map[uint16]struct{}
}

type edgeBook struct {
	mu      sync.Mutex
	edges   map[string]map[string]*edge
	entries uint64
	count   int
}

// observe takes a whole message under the lock: entry by entry would only cost more.
func (b *edgeBook) observe(source string, entries []*data.HTTPAccessLogEntry) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.edges[source]
	if known == nil {
		known = map[string]*edge{}
		b.edges[source] = known
	}
	for _, entry := range entries {
		b.entries++
		host, port, ok := destination(entry.GetCommonProperties().GetUpstreamCluster())
		if !ok {
			continue
		}
		e := known[host]
		if e == nil {
			e = &edge{ports: map[uint16]struct{}{}}
			known[host] = e
			b.count++
		}
		e.lastSeen = now
		e.requests++
		e.ports[port] = struct{}{}
	}
}

// destination reads outbound|port|subset|host.
func destination(cluster string) (host string, port uint16, ok bool) {
	rest, outbound := strings.CutPrefix(cluster, "outbound|")
	portText, rest, hasPort := strings.Cut(rest, "|")
	_, host, hasHost := strings.Cut(rest, "|")
	number, err := strconv.ParseUint(portText, 10, 16)
	return host, uint16(number), outbound && hasPort && hasHost && err == nil
}

func answerQuestions(book *edgeBook) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		book.mu.Lock()
		answer := map[string]any{"entries": book.entries, "edges": book.count}
		book.mu.Unlock()
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
}
