package main

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"log"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// CallReport is what `call` prints.
type CallReport struct {
	// Outcomes of the calls, by gRPC status.
	Outcomes Outcomes `json:"outcomes"`
	// Messages that came back.
	Messages int `json:"messages"`
	// Trailed is the number of calls whose trailers arrived.
	Trailed int `json:"trailed"`
	// Detail is the message of the last status that is not OK.
	Detail string `json:"detail"`
}

var bidirectional = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

func call(args []string) {
	flags := flag.NewFlagSet("call", flag.ExitOnError)
	target, authority, source := calleeFlags(flags)
	method := flags.String("method", "Echo", "method of test.Peer")
	calls := flags.Int("calls", 1, "how many")
	parallel := flags.Int("parallel", 1, "calls at a time")
	count := flags.Uint("count", 1, "messages: of each answer for Pour, of each request otherwise")
	size := flags.Uint("size", 16, "bytes of a message")
	pause := flags.Duration("pause", 0, "between two messages of Pour")
	hold := flags.Duration("for", 0, "deadline of a call; 0 is none")
	window := flags.Int("window", 0, "fixed window of a stream; 0 measures the bandwidth, with a PING for each round trip of DATA")
	_ = flags.Parse(args)

	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority(*authority),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(64<<20)),
		grpc.WithDisableRetry(),
	}
	if *window > 0 {
		options = append(options, grpc.WithInitialWindowSize(int32(*window)))
	}
	connection, err := grpc.NewClient("passthrough:///"+*target, options...)
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()

	request, messages := make([]byte, *size), *count
	if *method == "Pour" {
		messages = 1
		request = binary.BigEndian.AppendUint32(nil, uint32(*count))
		request = binary.BigEndian.AppendUint32(request, uint32(*size))
		request = binary.BigEndian.AppendUint32(request, uint32(pause.Microseconds()))
	}
	report := CallReport{Outcomes: Outcomes{}}
	inParallel(*calls, *parallel, func() func() {
		one := oneCall(connection, *method, *source, request, messages, *hold)
		return func() { report.add(one) }
	})
	printJSON(report)
}

type outcome struct {
	status   *status.Status
	messages int
	trailed  bool
}

func (report *CallReport) add(one outcome) {
	report.Outcomes[one.status.Code().String()]++
	report.Messages += one.messages
	if one.trailed {
		report.Trailed++
	}
	if one.status.Code() != 0 {
		report.Detail = one.status.Message()
	}
}

// oneCall sends all messages, each as soon as it is taken, and reads the answer to its end meanwhile.
func oneCall(connection *grpc.ClientConn, method, source string, request []byte, messages uint, hold time.Duration) outcome {
	ctx, cancel := context.WithCancel(metadata.AppendToOutgoingContext(context.Background(), "fence-source", source))
	if hold > 0 {
		ctx, cancel = context.WithTimeout(ctx, hold)
	}
	defer cancel()
	stream, err := connection.NewStream(ctx, bidirectional, "/test.Peer/"+method)
	if err != nil {
		return outcome{status: status.Convert(err)}
	}
	go upload(stream, request, messages)
	for received := 0; ; received++ {
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			result := outcome{messages: received, trailed: len(stream.Trailer()["x-trailer"]) > 0}
			if !errors.Is(err, io.EOF) {
				result.status = status.Convert(err)
			}
			return result
		}
	}
}

// upload ends the request when all is sent, and gives up when the call is over.
func upload(stream grpc.ClientStream, request []byte, messages uint) {
	for range messages {
		if err := send(stream, request); err != nil {
			return
		}
	}
	_ = stream.CloseSend()
}
