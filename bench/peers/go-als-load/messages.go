package main

import (
	"fmt"
	"log"
	"math/rand/v2"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	data "github.com/envoyproxy/go-control-plane/envoy/data/accesslog/v3"
	als "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// rounds is how often each destination occurs in the prepared messages, each time with other figures.
const rounds = 5

// first opens a stream: only this message says who sends. Its node is short, as Envoy sends it once per stream and so it hardly counts.
func first(stream int) serialized {
	return marshal(&als.StreamAccessLogsMessage{Identifier: &als.StreamAccessLogsMessage_Identifier{
		Node:    &core.Node{Id: fmt.Sprintf("sidecar~10.77.1.%d~caller-%d.bench~bench.svc.cluster.local", stream+2, stream), Cluster: "caller.bench"},
		LogName: fmt.Sprintf("fenceline/bench/caller-%d", stream),
	}})
}

// build prepares messages in which every destination occurs, in random but repeatable order.
func build(entries, destinations int) []serialized {
	random := rand.New(rand.NewPCG(1, 2))
	var messages []serialized
	var batch []*data.HTTPAccessLogEntry
	for range rounds {
		for _, destination := range random.Perm(destinations) {
			batch = append(batch, entry(random, destination))
			if len(batch) == entries {
				messages = append(messages, message(batch))
				batch = nil
			}
		}
	}
	return messages
}

func message(batch []*data.HTTPAccessLogEntry) serialized {
	logs := &als.StreamAccessLogsMessage_HTTPAccessLogEntries{LogEntry: batch}
	return marshal(&als.StreamAccessLogsMessage{LogEntries: &als.StreamAccessLogsMessage_HttpLogs{HttpLogs: logs}})
}

func marshal(message proto.Message) serialized {
	bytes, err := proto.Marshal(message)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

// entry has the fields, and so about the size, of an entry that Envoy 1.40 logs for a direct request in an Istio mesh.
func entry(random *rand.Rand, destination int) *data.HTTPAccessLogEntry {
	host := fmt.Sprintf("service-%03d.bench.svc.cluster.local", destination)
	id := fmt.Sprintf("%08x-b392-48f9-a800-%012x", random.Uint32(), random.Uint64N(1<<48))
	caller := address("10.77.1.3", 32768+random.Uint32N(28000))
	took := random.Int64N(5_000_000)
	return &data.HTTPAccessLogEntry{
		CommonProperties: &data.AccessLogCommon{
			DownstreamRemoteAddress:       caller,
			DownstreamLocalAddress:        address(fmt.Sprintf("10.78.%d.%d", destination/250, destination%250+1), 80),
			StartTime:                     &timestamppb.Timestamp{Seconds: 1795358248, Nanos: random.Int32N(1_000_000_000)},
			TimeToLastRxByte:              nanoseconds(took / 30),
			TimeToFirstUpstreamTxByte:     nanoseconds(took / 6),
			TimeToLastUpstreamTxByte:      nanoseconds(took/6 + 110),
			TimeToFirstUpstreamRxByte:     nanoseconds(took - 40_000),
			TimeToLastUpstreamRxByte:      nanoseconds(took - 10_000),
			TimeToFirstDownstreamTxByte:   nanoseconds(took - 20_000),
			TimeToLastDownstreamTxByte:    nanoseconds(took - 2_000),
			UpstreamRemoteAddress:         address("10.77.1.4", 8080),
			UpstreamLocalAddress:          address("10.77.1.3", 32768+random.Uint32N(28000)),
			UpstreamCluster:               "outbound|80||" + host,
			RouteName:                     "default",
			DownstreamDirectRemoteAddress: caller,
			Duration:                      nanoseconds(took),
			UpstreamRequestAttemptCount:   1,
			StreamId:                      id,
			DownstreamWireBytesSent:       603,
			DownstreamWireBytesReceived:   79,
			UpstreamWireBytesSent:         243,
			UpstreamWireBytesReceived:     609,
			AccessLogType:                 data.AccessLogType_DownstreamEnd,
		},
		ProtocolVersion: data.HTTPAccessLogEntry_HTTP11,
		Request: &data.HTTPRequestProperties{
			RequestMethod:                 core.RequestMethod_GET,
			Scheme:                        "http",
			Authority:                     host,
			Path:                          fmt.Sprintf("/api/v1/items/%d", random.IntN(100_000)),
			UserAgent:                     "curl/7.88.1",
			RequestId:                     id,
			RequestHeadersBytes:           230,
			UpstreamHeaderBytesSent:       223,
			DownstreamHeaderBytesReceived: 56,
		},
		Response: &data.HTTPResponseProperties{
			ResponseCode:                wrapperspb.UInt32(200),
			ResponseHeadersBytes:        129,
			ResponseBodyBytes:           445,
			ResponseCodeDetails:         "via_upstream",
			UpstreamHeaderBytesReceived: 140,
			DownstreamHeaderBytesSent:   139,
		},
	}
}

func address(ip string, port uint32) *core.Address {
	return &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
		Address:       ip,
		PortSpecifier: &core.SocketAddress_PortValue{PortValue: port},
	}}}
}

func nanoseconds(n int64) *durationpb.Duration {
	return &durationpb.Duration{Nanos: int32(max(n, 1))}
}
