// go-als-load floods an access-log service with messages as an Envoy sends them, serialized beforehand so that this side stays cheap.
//
// Usage: go-als-load -port P -streams 8 -entries 20 -destinations 200. It prints {"messageBytes":…,"entryBytes":…} once all streams are open, and
// sends, held back only by HTTP/2 flow control, until it is ended. The server counts what arrived.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"

	als "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// serialized is a message that needs no encoding any more.
type serialized []byte

type rawCodec struct{}

func (rawCodec) Marshal(value any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(value.(serialized))}, nil
}

func (rawCodec) Unmarshal(mem.BufferSlice, any) error { return nil }

func (rawCodec) Name() string { return "proto" }

var _ encoding.CodecV2 = rawCodec{}

func main() {
	runtime.GOMAXPROCS(1)
	port := flag.Int("port", 0, "port of the access-log service on 127.0.0.1")
	streams := flag.Int("streams", 8, "connections with one stream each: as many Envoys")
	entries := flag.Int("entries", 20, "entries a message")
	destinations := flag.Int("destinations", 200, "destination hosts")
	flag.Parse()

	messages := build(*entries, *destinations)
	failed := make(chan error)
	for i := range *streams {
		stream, err := open(*port)
		if err != nil {
			log.Fatal(err)
		}
		go func() { failed <- flood(stream, first(i), messages) }()
	}
	size := len(messages[0])
	if err := json.NewEncoder(os.Stdout).Encode(map[string]int{"messageBytes": size, "entryBytes": size / *entries}); err != nil {
		log.Fatal(err)
	}
	log.Fatal(<-failed)
}

func open(port int) (grpc.ClientStream, error) {
	target := fmt.Sprintf("passthrough:///127.0.0.1:%d", port)
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{})))
	if err != nil {
		return nil, err
	}
	method := als.AccessLogService_ServiceDesc.Streams[0]
	return connection.NewStream(context.Background(), &method, als.AccessLogService_StreamAccessLogs_FullMethodName)
}

func flood(stream grpc.ClientStream, first serialized, messages []serialized) error {
	if err := stream.SendMsg(first); err != nil {
		return err
	}
	for {
		for _, message := range messages {
			if err := stream.SendMsg(message); err != nil {
				return fmt.Errorf("stream ended: %w", stream.RecvMsg(nil))
			}
		}
	}
}
