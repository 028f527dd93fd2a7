package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
)

// PostReport is what `post` prints.
type PostReport struct {
	// Outcomes of the requests, by HTTP status, or "error".
	Outcomes Outcomes `json:"outcomes"`
	// Whole is the number of answers that were read to their end.
	Whole int `json:"whole"`
	// Detail is the last error.
	Detail string `json:"detail"`
}

// serveHTTP answers from the header alone: with the status and the body's size that the path says (/413/20000), while the upload is under way.
func serveHTTP(args []string) {
	flags := flag.NewFlagSet("serve-http", flag.ExitOnError)
	hangUp := flags.Bool("hang-up", false, "tell the client to go (GOAWAY) with each answer")
	_ = flags.Parse(args)
	listener := listen()
	server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var code, size int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d/%d", &code, &size); err != nil {
			code = http.StatusNotFound
		}
		if *hangUp {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(code)
		_, _ = w.Write(make([]byte, size))
	})}
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { log.Fatal(server.Serve(listener)) }()
	untilInputEnds()
}

// post uploads to a path, one request after the other, and reads each answer to its end.
func post(args []string) {
	flags := flag.NewFlagSet("post", flag.ExitOnError)
	target, authority, source := calleeFlags(flags)
	path := flags.String("path", "/", "path")
	calls := flags.Int("calls", 1, "how many, one after the other")
	size := flags.Int64("size", 1<<20, "bytes of each upload")
	_ = flags.Parse(args)

	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	report := PostReport{Outcomes: Outcomes{}}
	for range *calls {
		body := io.LimitReader(zeros{}, *size)
		request, err := http.NewRequest(http.MethodPost, "http://"+*target+*path, struct{ io.Reader }{body})
		if err != nil {
			log.Fatal(err)
		}
		request.Host = *authority
		request.Header.Set("fence-source", *source)
		answer, err := transport.RoundTrip(request)
		if err != nil {
			report.Outcomes["error"]++
			report.Detail = err.Error()
			continue
		}
		report.Outcomes[strconv.Itoa(answer.StatusCode)]++
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			report.Detail = err.Error()
		} else {
			report.Whole++
		}
		answer.Body.Close()
	}
	printJSON(report)
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
