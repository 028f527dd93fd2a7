package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// serveEcho sends back each body as it comes, with the field x-large of the request, and its trailer.
func serveEcho(args []string) {
	flags := flag.NewFlagSet("serve-echo", flag.ExitOnError)
	streams := flags.Int("streams", 100, "SETTINGS_MAX_CONCURRENT_STREAMS")
	restart := flags.Duration("restart", 0, "replace the server this often, without a connection lost; 0 is never")
	ping := flags.Duration("ping", 0, "silence until the server sends a PING; 0 is never")
	_ = flags.Parse(args)
	start := func() *http.Server {
		server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(echoBody), MaxHeaderBytes: 1 << 20}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: *streams, SendPingTimeout: *ping}
		return server
	}
	stop := func(server *http.Server) { _ = server.Shutdown(context.Background()) }
	go serveInTurn(listen(), *restart, start, stop)
	untilInputEnds()
}

func echoBody(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Trailer")
	w.Header().Set("X-Large", r.Header.Get("X-Large"))
	// net/http reads the rest of an upload before it answers over HTTP/1.1 otherwise.
	_ = http.NewResponseController(w).EnableFullDuplex()
	flusher := w.(http.Flusher)
	buffer := make([]byte, 32<<10)
	for {
		n, err := r.Body.Read(buffer)
		_, _ = w.Write(buffer[:n])
		flusher.Flush()
		if err != nil {
			break
		}
	}
	w.Header().Set("X-Trailer", r.Trailer.Get("X-Trailer"))
}

// EchoReport is what `echo` prints.
type EchoReport struct {
	// Outcomes of the requests: HTTP status and protocol of the answer, or the error.
	Outcomes Outcomes `json:"outcomes"`
	// Whole answers: body, field and trailer came back as they were sent.
	Whole int `json:"whole"`
	// Continued is the number of requests whose body waited for 100 Continue.
	Continued int `json:"continued"`
	// Connections that were made for them.
	Connections int64 `json:"connections"`
}

// echoHTTP makes requests and holds each answer to what was sent.
func echoHTTP(args []string) {
	flags := flag.NewFlagSet("echo", flag.ExitOnError)
	target, authority, source := calleeFlags(flags)
	calls := flags.Int("calls", 1, "how many")
	parallel := flags.Int("parallel", 1, "requests at a time")
	size := flags.Int("size", 1_000, "bytes of each upload")
	large := flags.Int("field", 10, "bytes of a field that goes both ways")
	expect := flags.Bool("expect", false, "wait for 100 Continue")
	http1 := flags.Bool("http1", false, "over HTTP/1.1")
	upgrade := flags.Bool("upgrade", false, "over HTTP/1.1, with an offer of h2c in each request")
	ping := flags.Duration("ping", 0, "silence until the client sends a PING; 0 is never")
	pause := flags.Duration("pause", 0, "silence in the midst of each upload")
	_ = flags.Parse(args)

	var connections atomic.Int64
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		connections.Add(1)
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	transport := &http.Transport{Protocols: new(http.Protocols), DialContext: dial, MaxIdleConnsPerHost: *parallel}
	transport.ExpectContinueTimeout = time.Minute
	transport.MaxResponseHeaderBytes = 1 << 20
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: *ping}
	transport.Protocols.SetHTTP1(*http1 || *upgrade)
	transport.Protocols.SetUnencryptedHTTP2(!*http1 && !*upgrade)

	report := EchoReport{Outcomes: Outcomes{}}
	sent := echoRequest{target: *target, authority: *authority, source: *source, expect: *expect, upgrade: *upgrade, pause: *pause}
	sent.body = bytes.Repeat([]byte("fenceline "), *size/10+1)[:*size]
	sent.large = strings.Repeat("x", *large)
	inParallel(*calls, *parallel, func() func() {
		one := sent.roundTrip(transport)
		return func() { report.add(one) }
	})
	report.Connections = connections.Load()
	printJSON(report)
}

type echoRequest struct {
	target, authority, source, large string
	body                             []byte
	expect, upgrade                  bool
	pause                            time.Duration
}

type echoOutcome struct {
	name             string
	whole, continued bool
}

func (report *EchoReport) add(one echoOutcome) {
	report.Outcomes[one.name]++
	if one.whole {
		report.Whole++
	}
	if one.continued {
		report.Continued++
	}
}

func (sent *echoRequest) roundTrip(transport http.RoundTripper) (result echoOutcome) {
	trace := &httptrace.ClientTrace{Got100Continue: func() { result.continued = true }}
	ctx := httptrace.WithClientTrace(context.Background(), trace)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+sent.target+"/", &pausing{rest: sent.body, pause: sent.pause})
	if err != nil {
		log.Fatal(err)
	}
	// Go's client repeats what the server says it did not look at, where it can read the body again.
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(&pausing{rest: sent.body, pause: sent.pause}), nil }
	request.Host = sent.authority
	request.Header.Set("fence-source", sent.source)
	request.Header.Set("x-large", sent.large)
	request.Trailer = http.Header{"X-Trailer": []string{"last"}}
	if sent.expect {
		request.Header.Set("expect", "100-continue")
	}
	if sent.upgrade {
		request.Header.Set("connection", "Upgrade, HTTP2-Settings")
		request.Header.Set("upgrade", "h2c")
		request.Header.Set("http2-settings", "AAMAAABkAAQAAP__")
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		result.name = err.Error()
		return result
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		result.name = err.Error()
		return result
	}
	result.name = strconv.Itoa(answer.StatusCode) + " " + answer.Proto
	result.whole = bytes.Equal(body, sent.body) && answer.Header.Get("X-Large") == sent.large && answer.Trailer.Get("X-Trailer") == "last"
	if !result.whole && answer.StatusCode != http.StatusOK {
		result.name += fmt.Sprintf(" %.200s", body)
	}
	return result
}

// pausing is a body with a pause in its midst.
type pausing struct {
	rest  []byte
	pause time.Duration
	read  int
}

func (p *pausing) Read(into []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	half := (len(p.rest) + 1) / 2
	if p.pause > 0 && p.read > 0 {
		time.Sleep(p.pause)
		p.pause = 0
	}
	n := copy(into, p.rest[:half])
	p.rest = p.rest[n:]
	p.read += n
	return n, nil
}
