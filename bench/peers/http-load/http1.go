package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

var (
	endOfHead = []byte("\r\n\r\n")
	// The two spellings that proxies write; both halves see no other fields of that name.
	contentLengths = [][]byte{[]byte("\r\ncontent-length: "), []byte("\r\nContent-Length: ")}
)

var errNoLength = errors.New("no content-length")

// contentLength of a head that ends with the CRLF of its last field.
func contentLength(head []byte) (int, error) {
	for _, name := range contentLengths {
		if at := bytes.Index(head, name); at >= 0 {
			value := head[at+len(name):]
			return strconv.Atoi(string(value[:bytes.IndexByte(value, '\r')]))
		}
	}
	return 0, errNoLength
}

// http1Load is the load generator's end of an HTTP/1.1 connection: one request at a time.
type http1Load struct {
	request []byte
	since   moment
	head    []byte // of the answer that is being read
	left    int    // bytes of its body still to come; -1 while its head is not complete
	good    bool
}

func newHTTP1Load(ask ask) *http1Load {
	method, body := "GET", ""
	if ask.body > 0 {
		method, body = "POST", fmt.Sprintf("content-type: application/octet-stream\r\ncontent-length: %d\r\n", ask.body)
	}
	head := method + " " + ask.path() + " HTTP/1.1\r\nhost: " + ask.host + "\r\n" + body
	for _, field := range ask.fields() {
		head += field[0] + ": " + field[1] + "\r\n"
	}
	return &http1Load{request: append([]byte(head+"\r\n"), bytes.Repeat([]byte{'x'}, ask.body)...), left: -1}
}

func (c *http1Load) start(since moment, out []byte) ([]byte, error) {
	c.since, c.left, c.head = since, -1, c.head[:0]
	return append(out, c.request...), nil
}

func (c *http1Load) receive(data, out []byte, done func(since moment, good bool)) ([]byte, error) {
	if c.left < 0 {
		c.head = append(c.head, data...)
		end := bytes.Index(c.head, endOfHead)
		if end < 0 {
			return out, nil
		}
		length, err := contentLength(c.head[:end+2])
		if err != nil {
			return out, fmt.Errorf("an answer whose content-length cannot be read (%w): %q", err, c.head[:end])
		}
		c.good = bytes.HasPrefix(c.head, []byte("HTTP/1.1 200 "))
		data, c.left = c.head[end+len(endOfHead):], length
	}
	if c.left -= len(data); c.left < 0 {
		return out, fmt.Errorf("an answer longer than its content-length: %q", c.head)
	}
	if c.left == 0 {
		done(c.since, c.good)
	}
	return out, nil
}

// http1Serve is the upstream's end of an HTTP/1.1 connection.
type http1Serve struct {
	pending []byte // of a request that is not complete yet
}

// receive answers the complete requests in data.
func (c *http1Serve) receive(data, out []byte) ([]byte, error) {
	input := append(c.pending, data...)
	for {
		end := bytes.Index(input, endOfHead)
		if end < 0 {
			break
		}
		size := end + len(endOfHead)
		if !bytes.HasPrefix(input, []byte("GET ")) {
			body, err := contentLength(input[:end+2])
			if err != nil {
				return out, fmt.Errorf("a request whose content-length cannot be read (%w): %q", err, input[:end])
			}
			size += body
		}
		if len(input) < size {
			break
		}
		out = append(out, answerTo(input[:bytes.IndexByte(input, '\r')])...)
		input = input[size:]
	}
	c.pending = append(c.pending[:0], input...)
	return out, nil
}

// answers by size of their body.
var answers = map[int][]byte{}

// answerTo a request line: 64 bytes, or as many as `bytes=` in the query asks for.
func answerTo(requestLine []byte) []byte {
	size := 64
	if at := bytes.Index(requestLine, []byte("bytes=")); at >= 0 {
		value, _, _ := bytes.Cut(requestLine[at+len("bytes="):], []byte(" "))
		size, _ = strconv.Atoi(string(value))
	}
	answer, ok := answers[size]
	if !ok {
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n", size)
		answer = append([]byte(head), bytes.Repeat([]byte{'x'}, size)...)
		answers[size] = answer
	}
	return answer
}
