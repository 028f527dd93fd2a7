import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.HandlerRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A server and a client of grpc-java for the tests of the proxy. Bytes in, bytes out: no generated code.
 *
 * <p>Obeys one line of its input after the other, and answers each by a line, until its input ends:
 *
 * <p>serve MAX_AGE_MS STREAMS WINDOW: starts a server. Answers its port.
 *
 * <p>call PORT AUTHORITY SOURCE METHOD CALLS PARALLEL COUNT SIZE WINDOW DEADLINE_MS: makes calls on one channel. Answers what they saw, as JSON.
 */
class GrpcJavaPeer {
  private static final Metadata.Key<String> SOURCE = Metadata.Key.of("fence-source", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> TRAILER = Metadata.Key.of("x-trailer", Metadata.ASCII_STRING_MARSHALLER);
  private static final int LARGEST_MESSAGE = 64 << 20;

  /** Connections to servers since the last one started. */
  private static final AtomicInteger connections = new AtomicInteger();

  public static void main(String[] args) throws Exception {
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ");
      System.out.println(words[0].equals("serve") ? serve(words) : call(words));
    }
  }

  private static int serve(String[] args) throws Exception {
    long maxAgeMs = Long.parseLong(args[1]);
    connections.set(0);
    NettyServerBuilder builder = NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0))
        .fallbackHandlerRegistry(new HandlerRegistry() {
          @Override
          public ServerMethodDefinition<?, ?> lookupMethod(String name, String authority) {
            return ServerMethodDefinition.create(method(name), handler(name));
          }
        })
        .maxInboundMessageSize(LARGEST_MESSAGE)
        .addTransportFilter(new ServerTransportFilter() {
          @Override
          public Attributes transportReady(Attributes attributes) {
            connections.incrementAndGet();
            return attributes;
          }
        })
        .maxConcurrentCallsPerConnection(Integer.parseInt(args[2]))
        .flowControlWindow(Integer.parseInt(args[3]));
    if (maxAgeMs > 0) builder.maxConnectionAge(maxAgeMs, TimeUnit.MILLISECONDS);
    return builder.build().start().getPort();
  }

  /** Echoes each message. Slow takes 250 ms to end, Exhausted ends from the header, Hang never ends. */
  private static ServerCallHandler<byte[], byte[]> handler(String name) {
    return (call, headers) -> {
      Metadata trailers = new Metadata();
      trailers.put(TRAILER, "last");
      if (name.endsWith("/Exhausted")) {
        call.close(Status.RESOURCE_EXHAUSTED, trailers);
        return new ServerCall.Listener<>() {};
      }
      call.sendHeaders(new Metadata());
      call.request(1);
      return new ServerCall.Listener<>() {
        @Override
        public void onMessage(byte[] message) {
          call.sendMessage(message);
          call.request(1);
        }

        @Override
        public void onHalfClose() {
          if (name.endsWith("/Slow")) LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(250));
          if (!name.endsWith("/Hang")) call.close(Status.OK, trailers);
        }
      };
    };
  }

  private static Report call(String[] args) throws Exception {
    ManagedChannel channel = NettyChannelBuilder.forAddress("127.0.0.1", Integer.parseInt(args[1]))
        .usePlaintext()
        .overrideAuthority(args[2])
        .maxInboundMessageSize(LARGEST_MESSAGE)
        .flowControlWindow(Integer.parseInt(args[9]))
        .disableRetry()
        .build();
    int calls = Integer.parseInt(args[5]);
    Report report = new Report();
    Semaphore parallel = new Semaphore(Integer.parseInt(args[6]));
    CountDownLatch rest = new CountDownLatch(calls);
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(Long.parseLong(args[10]), TimeUnit.MILLISECONDS);
    for (int n = 0; n < calls; n++) {
      parallel.acquire();
      Metadata headers = new Metadata();
      headers.put(SOURCE, args[3]);
      one(channel.newCall(method("test.Peer/" + args[4]), options), headers, Integer.parseInt(args[7]), Integer.parseInt(args[8]), report, () -> {
        parallel.release();
        rest.countDown();
      });
    }
    rest.await();
    channel.shutdownNow();
    return report;
  }

  /** Sends all messages, each as soon as it is taken, and reads the answer to its end meanwhile. */
  private static void one(ClientCall<byte[], byte[]> call, Metadata headers, int count, int size, Report report, Runnable done) {
    call.start(new ClientCall.Listener<>() {
      private int left = count;

      @Override
      public void onReady() {
        while (left > 0 && call.isReady()) {
          call.sendMessage(new byte[size]);
          if (--left == 0) call.halfClose();
        }
      }

      @Override
      public void onMessage(byte[] message) {
        report.message(message.length);
        call.request(1);
      }

      @Override
      public void onClose(Status status, Metadata trailers) {
        report.closed(status, trailers.containsKey(TRAILER));
        done.run();
      }
    }, headers);
    call.request(1);
  }

  private static MethodDescriptor<byte[], byte[]> method(String name) {
    return MethodDescriptor.<byte[], byte[]>newBuilder()
        .setType(MethodDescriptor.MethodType.BIDI_STREAMING)
        .setFullMethodName(name)
        .setRequestMarshaller(new Raw())
        .setResponseMarshaller(new Raw())
        .build();
  }

  private static class Raw implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }
  }

  private static class Report {
    private final Map<String, Integer> outcomes = new TreeMap<>();
    private int messages;
    private long bytes;
    private int trailed;

    synchronized void message(int length) {
      messages += 1;
      bytes += length;
    }

    synchronized void closed(Status status, boolean withTrailer) {
      outcomes.merge(status.getCode().name(), 1, Integer::sum);
      if (withTrailer) trailed += 1;
    }

    @Override
    public synchronized String toString() {
      StringBuilder counts = new StringBuilder();
      outcomes.forEach((name, count) -> counts.append(counts.isEmpty() ? "" : ",").append('"').append(name).append("\":").append(count));
      return "{\"outcomes\":{" + counts + "},\"messages\":" + messages + ",\"bytes\":" + bytes + ",\"trailed\":" + trailed + ",\"connections\":" + connections + "}";
    }
  }
}
