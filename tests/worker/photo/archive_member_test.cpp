// Members of archives as a worker reads them.
#include "worker/photo/archive_member.h"

#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <random>
#include <thread>

#include "common/archive/tar_reader.h"
#include "common/archive/zip_directory.h"
#include "tests/support/make_archive.h"
#include "tests/support/temp_dir.h"
#include "worker/photo/named_photos.h"

namespace photoscribe {
namespace {

using test::MadeAs;
using test::MadeMember;
using Kind = MadeMember::Kind;

std::string noise(int seed, std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

/// Name and offset of each member, by the readers that a scheduler lists them with.
std::vector<std::pair<std::string, std::int64_t>> places(const std::string& path) {
  std::vector<std::pair<std::string, std::int64_t>> all;
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const ArchiveKind kind = archive_kind_of(file.get());
  if (kind == ArchiveKind::zip) {
    auto zip = ZipDirectory::open(read_file_at(file.get()),
                                  static_cast<std::int64_t>(std::filesystem::file_size(path)));
    while (auto member = *zip->next()) all.emplace_back(member->name, member->offset);
    return all;
  }
  auto tar = TarReader::open(std::move(file), kind);
  for (;;) {
    const auto member = tar->next();
    if (!member || !*member) return all;
    all.emplace_back((*member)->name, (*member)->offset);
  }
}

class Members : public ::testing::Test {
 protected:
  std::string make(MadeAs as, const std::vector<MadeMember>& members) {
    path_ = folder_.file("x");
    test::make_archive(path_, as, members);
    places_ = places(path_);
    root_.emplace(*PhotoRoot::open("photos", folder_.path().string()));
    return path_;
  }
  /// The bytes, or the reason.
  std::string read(FileBuffer& buffer, const std::string& name, std::int64_t offset,
                   std::int64_t bytes_max = 1 << 30) const {
    const auto bytes = buffer.read(*root_, "x!" + name, ArchiveMember{offset, 1}, bytes_max);
    if (bytes) return {bytes->begin(), bytes->end()};
    return bytes.error().environment ? "environment"
                                     : "-" + std::string(to_string(bytes.error().reason));
  }
  std::string read(std::size_t index, const std::string& name = "") {
    const auto& [real, offset] = places_[index];
    return read(buffer_, name.empty() ? real : name, offset);
  }
  test::TempDir folder_;
  std::string path_;
  std::vector<std::pair<std::string, std::int64_t>> places_;
  std::optional<PhotoRoot> root_;
  FileBuffer buffer_;
};

TEST_F(Members, OfEveryFormatAreReadInAnyOrder) {
  std::vector<MadeMember> members;
  for (int i = 0; i < 30; ++i)
    members.push_back({std::string(i % 7 == 0 ? 120 : 1, 'd') + "/" + std::to_string(i) + ".jpg",
                       noise(i, 100 + static_cast<std::size_t>(i) * 801)});
  for (const MadeAs as : test::kMadeAs) {
    make(as, members);
    ASSERT_EQ(places_.size(), members.size());
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i : order) EXPECT_EQ(read(i), members[i].bytes) << i;
    EXPECT_LE(root_->packed_tars().starts(), 1);
    std::shuffle(order.begin(), order.end(), std::mt19937(7));
    for (std::size_t i : order)
      EXPECT_EQ(read(i), members[i].bytes) << i << " of " << static_cast<int>(as);
  }
}

TEST_F(Members, OfACompressedTarAreUnpackedOnceByManyThreads) {
  std::vector<MadeMember> members;
  for (int i = 0; i < 200; ++i) members.push_back({std::to_string(i) + ".jpg", noise(i, 20'000)});
  make(MadeAs::tar_zst, members);
  std::atomic<std::size_t> next = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      FileBuffer own;
      for (std::size_t i = next++; i < members.size(); i = next++) {
        if (read(own, places_[i].first, places_[i].second) != members[i].bytes) ++wrong;
      }
    });
  }
  for (std::thread& one : threads) one.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(root_->packed_tars().starts(), 1);

  EXPECT_EQ(read(3), members[3].bytes) << "back";
  EXPECT_EQ(root_->packed_tars().starts(), 2);
}

TEST_F(Members, ThatMustNotBeReadAreRefusedWithAReason) {
  make(MadeAs::tar, {{"../up.jpg", "x"},
                     {"/abs.jpg", "x"},
                     {"link.jpg", "", Kind::link, "/etc/passwd"},
                     {"hard.jpg", "", Kind::hard_link, "../up.jpg"},
                     {"pipe.jpg", "", Kind::pipe},
                     {"folder.jpg", "", Kind::folder},
                     {"empty.jpg", ""},
                     {"large.jpg", std::string(5000, 'x')}});
  EXPECT_EQ(read(0), "-unsafe_name");
  EXPECT_EQ(read(1), "-unsafe_name");
  for (std::size_t i = 2; i < 6; ++i) EXPECT_EQ(read(i, places_[i].first), "-not_a_file") << i;
  EXPECT_EQ(read(6), "-empty");
  EXPECT_EQ(read(buffer_, "large.jpg", places_[7].second, 4999), "-too_large");
  EXPECT_EQ(read(buffer_, "large.jpg", places_[7].second, 5000), std::string(5000, 'x'));
  EXPECT_EQ(read(7, "other.jpg"), "-missing") << "the archive has another member there";
  EXPECT_EQ(read(buffer_, "large.jpg", 1 << 20), "-missing");

  for (const MadeAs as : {MadeAs::tar_gz, MadeAs::zip_deflated}) {
    make(as, {{"link.jpg", "", Kind::link, "a.jpg"}, {"empty.jpg", ""}, {"large.jpg", "12345"}});
    EXPECT_EQ(read(0), "-not_a_file");
    EXPECT_EQ(read(1), "-empty");
    EXPECT_EQ(read(buffer_, "large.jpg", places_[2].second, 4), "-too_large");
    EXPECT_EQ(read(2), "12345");
    EXPECT_EQ(read(2, "other.jpg"), "-missing");
  }
  make(MadeAs::zip_encrypted, {{"a.jpg", "x"}});
  EXPECT_EQ(read(0), "-encrypted");
}

TEST_F(Members, ThatAreThereTwiceAreToldApart) {
  for (const MadeAs as : test::kMadeAs) {
    make(as, {{"a.jpg", "first"}, {"./a.jpg", "second"}});
    EXPECT_EQ(read(0, "a.jpg"), "first");
    EXPECT_EQ(read(1, "a.jpg#2"), "second");
  }
}

TEST_F(Members, WithHolesAreReadWithZeros) {
  std::string bytes = noise(1, 100'000);
  bytes.replace(bytes.size() - 512, 512, 512, '\0');
  make(MadeAs::tar, {{"a.bmp", bytes, Kind::sparse}});
  EXPECT_EQ(read(0), bytes);
}

TEST_F(Members, CutAnywhereAreTruncatedNotTheMachinesFault) {
  const std::vector<MadeMember> members{{"a.jpg", noise(1, 3000)}, {"b.jpg", noise(2, 3000)}};
  for (const MadeAs as : test::kMadeAs) {
    make(as, members);
    std::ifstream in(path_, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    for (std::size_t size = 0; size < whole.size(); size += 97) {
      folder_.write("x", whole.substr(0, size));
      root_.emplace(*PhotoRoot::open("photos", folder_.path().string()));
      for (std::size_t i = 0; i < 2; ++i) {
        const std::string got = read(i);
        EXPECT_TRUE(got == "-truncated" || got == "-missing" || got == "-unsupported" ||
                    got == members[i].bytes)
            << size << " of " << static_cast<int>(as) << ": " << got.substr(0, 40);
      }
    }
  }
}

TEST_F(Members, WhoseBytesWereChangedFailTheChecksumOfAZip) {
  for (const MadeAs as : {MadeAs::zip_stored, MadeAs::zip_deflated}) {
    make(as, {{"a.jpg", noise(1, 3000)}});
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(1500);
    file.put('#').put('#');
    file.close();
    EXPECT_EQ(read(0), "-truncated");
  }
}

TEST_F(Members, AreFoundByNameWhereAPersonNamesThem) {
  for (const MadeAs as : test::kMadeAs) {
    make(as, {{"2019/a.jpg", "first"}, {"2019/a.jpg", "second"}});
    auto photos = PhotosByName::open();
    ASSERT_TRUE(photos);
    const auto text = [&](const std::string& member) -> std::string {
      const auto bytes = photos->read(path_ + "!" + member, 1000);
      if (!bytes) return "-" + std::string(to_string(bytes.error().reason));
      return {bytes->begin(), bytes->end()};
    };
    EXPECT_EQ(text("2019/a.jpg"), "first");
    EXPECT_EQ(text("2019/a.jpg#2"), "second");
    EXPECT_EQ(text("2019/b.jpg"), "-missing");
  }
}

TEST_F(Members, TellThatTheyGetOnWhileAnArchiveIsUnpacked) {
  std::vector<MadeMember> members;
  for (int i = 0; i < 6; ++i) members.push_back({std::to_string(i) + ".jpg", noise(i, 1 << 20)});
  make(MadeAs::tar_bz2, members);  // the slowest
  int told = 0;
  buffer_.report_progress_to([&told] { ++told; });
  EXPECT_EQ(read(5), members[5].bytes);
  EXPECT_GT(told, 0);
}

}  // namespace
}  // namespace photoscribe
