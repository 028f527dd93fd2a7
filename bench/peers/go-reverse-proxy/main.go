// go-reverse-proxy is the usual Go forward-by-Host proxy: net/http/httputil.ReverseProxy over a shared transport. HTTP/2 by prior knowledge is
// taken on the same port and forwarded as HTTP/2.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"runtime"
)

// sameProtocol forwards a request in the protocol it came in: with both in one transport, net/http would choose HTTP/1.1 without TLS.
type sameProtocol struct{ http1, http2 *http.Transport }

func (t sameProtocol) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.ProtoMajor == 2 {
		return t.http2.RoundTrip(request)
	}
	return t.http1.RoundTrip(request)
}

func newTransport(choose func(*http.Protocols)) *http.Transport {
	protocols := new(http.Protocols)
	choose(protocols)
	return &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true, Protocols: protocols}
}

func main() {
	runtime.GOMAXPROCS(1)
	proxy := &httputil.ReverseProxy{
		Transport: sameProtocol{
			http1: newTransport(func(p *http.Protocols) { p.SetHTTP1(true) }),
			http2: newTransport(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }),
		},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme = "http"
			r.Out.URL.Host = r.In.Host
			r.Out.Header.Del("Fence-Source")
			r.Out.Header.Del("Slime-Orig-Dest")
			r.Out.Header.Del("Slime-Source-Ns")
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: proxy, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	log.Fatal(server.Serve(listener))
}
