import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** Calls with the JDK's own client: PORT HOST SOURCE MODE CALLS SIZE. Prints how many answers were 200 with the bytes it sent. */
public class JavaClient {
  public static void main(String[] args) throws Exception {
    String mode = args[3];
    byte[] body = new byte[Integer.parseInt(args[5])];
    HttpClient.Version version = mode.equals("upgrade") ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1;
    HttpClient client = HttpClient.newBuilder().version(version).build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + args[0] + "/"))
            .header("Host", args[1])
            .header("fence-source", args[2])
            .expectContinue(mode.equals("continue"))
            .POST(
                mode.equals("chunked")
                    ? BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))
                    : BodyPublishers.ofByteArray(body))
            .build();
    int whole = 0;
    for (int call = 0; call < Integer.parseInt(args[4]); call++) {
      var response = client.send(request, BodyHandlers.ofByteArray());
      if (response.statusCode() == 200 && response.body().length == body.length) whole++;
    }
    System.out.println(whole);
    System.exit(0);
  }
}
