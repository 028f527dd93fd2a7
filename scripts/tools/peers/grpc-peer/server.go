package main

import (
	"encoding/binary"
	"flag"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// raw takes messages as the bytes that they are: what a proxy does to them does not depend on what they mean.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "raw" }

func serve(args []string) {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	every := flags.Duration("keepalive", 2*time.Hour, "silence until the server pings its client; grpc-go takes no less than 1s")
	minTime := flags.Duration("min-time", 5*time.Minute, "shortest time between two PINGs of a client without HEADERS or DATA in between")
	age := flags.Duration("max-age", 0, "life of a connection until GOAWAY; 0 is for ever")
	restart := flags.Duration("restart", 0, "replace the server this often, without a connection lost; 0 is never")
	streams := flags.Uint("streams", 0, "SETTINGS_MAX_CONCURRENT_STREAMS; 0 sends none")
	_ = flags.Parse(args)
	start := func() *grpc.Server {
		return grpc.NewServer(
			grpc.ForceServerCodec(raw{}),
			grpc.UnknownServiceHandler(handle),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: *every, MaxConnectionAge: *age}),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: *minTime}),
			grpc.MaxConcurrentStreams(uint32(*streams)),
			grpc.MaxRecvMsgSize(64<<20),
		)
	}
	go serveInTurn(listen(), *restart, start, (*grpc.Server).GracefulStop)
	untilInputEnds()
}

func handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	stream.SetTrailer(metadata.Pairs("x-trailer", "last"))
	switch method {
	case "/test.Peer/Exhausted":
		// From the header, whatever of the request is still to come.
		return status.Error(codes.ResourceExhausted, "no more")
	case "/test.Peer/ExhaustedLater":
		// An answer that has begun: its status is in the trailers.
		if err := send(stream, make([]byte, 20_000)); err != nil {
			return err
		}
		return status.Error(codes.ResourceExhausted, "no more")
	case "/test.Peer/Pour":
		return pour(stream)
	case "/test.Peer/Hold":
		if err := stream.SendHeader(nil); err != nil {
			return err
		}
		<-stream.Context().Done()
		return stream.Context().Err()
	default:
		return echo(stream)
	}
}

// pour sends as many messages as the request says, of that size and at that pace: three numbers of 32 bits, the last one in microseconds.
func pour(stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	count, size, pause := binary.BigEndian.Uint32(request), binary.BigEndian.Uint32(request[4:]), binary.BigEndian.Uint32(request[8:])
	for range count {
		if err := send(stream, make([]byte, size)); err != nil {
			return err
		}
		time.Sleep(time.Duration(pause) * time.Microsecond)
	}
	return nil
}

// echo sends back what comes: unary, streaming either way, or both.
func echo(stream grpc.ServerStream) error {
	for {
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return nil
		}
		if err := send(stream, message); err != nil {
			return err
		}
	}
}

func send(stream grpc.Stream, message []byte) error { return stream.SendMsg(&message) }
