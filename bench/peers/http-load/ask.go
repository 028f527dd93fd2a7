package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// ask is the one request that a run repeats: what a caller's Envoy sends to the global sidecar.
type ask struct {
	host, source string
	body         int // bytes of the request's body
	answer       int // bytes of the answer's body
	grpc         bool
}

func (a ask) path() string {
	switch {
	case a.grpc:
		return "/bench.Items/List"
	case a.answer != 64:
		return fmt.Sprintf("/api/v1/items?bytes=%d", a.answer)
	default:
		return "/api/v1/items"
	}
}

func (a ask) fields() [][2]string {
	return [][2]string{
		{"user-agent", "bench"},
		{"accept", "*/*"},
		{"fence-source", a.source},
		{"slime-orig-dest", "10.78.0.1:80"},
		{"slime-source-ns", "bench"},
		{"x-request-id", "2f2c1f6a-5d3e-9b0a-8e11-4b8f5a3a9f00"},
		{"x-forwarded-proto", "http"},
	}
}

// payload is the body; of a gRPC call, one message of 64 bytes with its prefix.
func (a ask) payload() []byte {
	if !a.grpc {
		return bytes.Repeat([]byte{'x'}, a.body)
	}
	prefix := binary.BigEndian.AppendUint32([]byte{0}, 64)
	return append(prefix, bytes.Repeat([]byte{'x'}, 64)...)
}
