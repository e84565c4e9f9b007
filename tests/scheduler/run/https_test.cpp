// A callback's POST over TLS, to a real server of this test's own.
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <future>

#include "scheduler/run/http_post.h"
#include "tests/support/certificate.h"

namespace photoscribe {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

class Https : public ::testing::Test {
 protected:
  WebAddress address(const std::string& host = "localhost") const {
    return *parse_web_address("https://" + host + ":" +
                              std::to_string(door_.local_endpoint().port()) + "/hook?key=s3cret");
  }
  /// Answers one client; what it was sent, or "" after a failed handshake.
  std::future<std::string> serve() {
    return std::async(std::launch::async, [this] {
      asio::ssl::context context(asio::ssl::context::tls_server);
      context.use_certificate_chain_file(certificate_.certificate_file);
      context.use_private_key_file(certificate_.key_file, asio::ssl::context::pem);
      asio::ssl::stream<asio::ip::tcp::socket> client(io_, context);
      boost::system::error_code failed;
      door_.accept(client.lowest_layer(), failed);
      client.handshake(asio::ssl::stream_base::server, failed);
      if (failed) return std::string();
      asio::streambuf sent;
      asio::read_until(client, sent, "}", failed);
      asio::write(client, asio::buffer(std::string("HTTP/1.1 204 No Content\r\n\r\n")), failed);
      return std::string(asio::buffers_begin(sent.data()), asio::buffers_end(sent.data()));
    });
  }
  void trust_it() const { ::setenv("SSL_CERT_FILE", certificate_.certificate_file.c_str(), 1); }
  void TearDown() override { ::unsetenv("SSL_CERT_FILE"); }
  /// So that a test that failed before it connected does not wait for its server.
  std::string what(std::future<std::string>& sent) {
    if (sent.wait_for(5s) != std::future_status::ready) {
      ::shutdown(door_.native_handle(), SHUT_RDWR);  // ends the accept
    }
    return sent.get();
  }

  test::TempDir folder_;
  const test::Certificate certificate_ = test::make_certificate(folder_);
  asio::io_context io_;
  asio::ip::tcp::acceptor door_{io_, {asio::ip::address_v4::loopback(), 0}};
};

TEST_F(Https, SendsToAServerWhoseCertificateIsTrusted) {
  trust_it();
  auto sent = serve();

  const Expected<int> status = http_post(address(), R"({"run":"default"})", 5s);

  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(*status, 204);
  const std::string request = what(sent);
  EXPECT_THAT(request, HasSubstr("POST /hook?key=s3cret HTTP/1.1"));
  EXPECT_THAT(request, HasSubstr(R"({"run":"default"})"));
}

TEST_F(Https, SendsNothingToAServerThatNobodyVouchesFor) {
  auto sent = serve();

  const Expected<int> status = http_post(address(), R"({"run":"default"})", 5s);

  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("certificate verify failed"));
  EXPECT_EQ(what(sent), "");
}

TEST_F(Https, SendsNothingToAServerOfAnotherName) {
  trust_it();
  auto sent = serve();

  const Expected<int> status = http_post(address("127.0.0.1"), R"({"run":"default"})", 5s);

  ASSERT_FALSE(status);
  EXPECT_EQ(what(sent), "");
}

TEST_F(Https, GivesUpAServerThatDoesNotShakeHands) {
  trust_it();  // and nobody accepts: the kernel does
  EXPECT_FALSE(http_post(address(), "{}", 300ms)) << "and does not wait for ever";
}

}  // namespace
}  // namespace photoscribe
