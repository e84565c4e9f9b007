// Pickles, benign and hostile: read as inert values, in bounded memory, and nothing is called.
#include "models/train/import/pickle.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "models/train/import/state_dict.h"
#include "models/train/import/torch_file.h"
#include "tests/models/train/pickle_writer.h"
#include "tests/support/temp_dir.h"

namespace photoscribe {
namespace {

using testing::HasSubstr;
using Kind = Pickle::Kind;
namespace w = test::pickle;

std::string refusal(const std::string& bytes) {
  try {
    static_cast<void>(TorchFile::read(bytes));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Pickle, ReadsTheTextFormOfPython2) {
  const std::string bytes =
      "(dp0\nS'vocab'\np1\n(dp2\nS'1'\np3\nVna\\u00efve\np4\nsS'2'\nS'it\\'s \\x41'\nss"
      "S'opt'\ncopy_reg\n_reconstructor\n(cargparse\nNamespace\nc__builtin__\nobject\nNtR"
      "(dS'seq_length'\nI16\nsS'big'\nL12345678901L\nsS'yes'\nI01\nsS'rate'\nF0.5\nsbs.";
  const Pickle p = Pickle::read(bytes);
  const auto words = p.find(p.root(), "vocab");
  ASSERT_TRUE(words);
  EXPECT_EQ(p.at(*p.find(*words, "1")).text, "na\xc3\xafve");
  EXPECT_EQ(p.at(*p.find(*words, "2")).text, "it's A");
  const auto options = p.find(p.root(), "opt");
  ASSERT_TRUE(options);
  const Pickle::Id own = p.attributes(*options);
  EXPECT_EQ(p.at(*p.find(own, "seq_length")).number, 16);
  EXPECT_EQ(p.at(*p.find(own, "big")).number, 12'345'678'901);
  EXPECT_EQ(p.at(*p.find(own, "yes")).kind, Kind::boolean);
  EXPECT_EQ(p.at(*p.find(own, "rate")).real, 0.5);
  EXPECT_EQ(p.size(), bytes.size());
}

TEST(Pickle, ReadsAnOrderedDictOfPython2) {
  const std::string pair = "](" + w::text("weight") + w::number(7) + "e";
  const std::string bytes = w::call(w::name("collections", "OrderedDict"), "](" + pair + "e") + ".";
  const Pickle p = Pickle::read(bytes);
  ASSERT_TRUE(p.find(p.root(), "weight"));
  EXPECT_EQ(p.at(*p.find(p.root(), "weight")).number, 7);
}

TEST(Pickle, ACallIsAValueThatSaysWhatWouldBeCalled) {
  const test::TempDir folder;
  const std::string mark = folder.file("called");
  for (const std::string& program :
       {"cposix\nsystem\n(S'touch " + mark + "'\ntR.", "(S'touch " + mark + "'\niposix\nsystem\n.",
        "(cposix\nsystem\nS'touch " + mark + "'\no.",
        w::text("posix") + w::text("system") + "\x93" + w::tuple(w::text("touch " + mark)) + "R.",
        w::name("builtins", "exec") + w::tuple(w::text("open('" + mark + "', 'w')")) + "\x81."}) {
    const Pickle p = Pickle::read(program);
    EXPECT_EQ(p.at(p.root()).kind, Kind::call);
    EXPECT_FALSE(p.name_of(p.root()).empty());
    EXPECT_FALSE(std::ifstream(mark));
  }
}

TEST(Pickle, NestingCostsNoStack) {
  constexpr std::size_t kDeep = 1'000'000;
  const std::string lists = std::string(kDeep, ']') + std::string(kDeep - 1, 'a') + ".";
  EXPECT_EQ(Pickle::read(lists).nodes(), kDeep + 3);
  EXPECT_EQ(Pickle::read("N" + std::string(kDeep, '\x85') + ".").nodes(), kDeep + 3);
  EXPECT_THAT(refusal(std::string(kDeep, '(') + "."), HasSubstr("pops an empty stack"));
}

TEST(Pickle, ABombOfReferencesStaysSmall) {
  std::string bomb = "]q" + std::string(1, '\0');
  for (int level = 0; level < 200; ++level)  // each list holds the one before it twice
    bomb += "](h" + std::string(1, static_cast<char>(level)) + "h" +
            std::string(1, static_cast<char>(level)) + "eq" +
            std::string(1, static_cast<char>(level + 1));
  const Pickle p = Pickle::read(bomb + ".");
  EXPECT_LT(p.nodes(), 300U);
}

TEST(Pickle, ClaimedSizesAreNotBelieved) {
  const std::vector<std::string> early{
      "X\xff\xff\xff\xff"
      "abc.",
      "B\xff\xff\xff\x7f.",
      "\x8d" + w::little(~std::uint64_t{0}) + ".",
      "\x96" + w::little(std::uint64_t{1} << 62) + ".",
      "U\xff.",
      "T\xff\xff\xff\xff"};
  for (const std::string& bytes : early)
    EXPECT_THAT(refusal(bytes), HasSubstr("it ends early")) << bytes;
  EXPECT_THAT(refusal("\x8b" + w::little(std::int32_t{-1}) + "."), HasSubstr("negative length"));
  EXPECT_THAT(refusal("j\xff\xff\xff\xff."), HasSubstr("gets what is not in its memo"));
  EXPECT_THAT(refusal("\x87."), HasSubstr("pops an empty stack"));
  EXPECT_THAT(refusal("(K\x01\x30\x30."), HasSubstr("pops an empty stack"));
  EXPECT_THAT(refusal("\x97."), HasSubstr("opcode 151"));
  EXPECT_THAT(refusal("\x80\x06N."), HasSubstr("a newer protocol"));
}

TEST(Pickle, MillionsOfValuesAreRefused) {
  EXPECT_THAT(refusal(std::string(kPickleNodesMax + 5, ')') + "."), HasSubstr("millions"));
  EXPECT_THAT(refusal("N" + std::string(kPickleNodesMax + 5, '2') + "."), HasSubstr("millions"));
}

TEST(Pickle, ACutOneIsRefusedWhereverItIsCut) {
  const std::string whole =
      "\x80\x02" +
      w::dictionary(w::text("a") + w::number(3) + w::text("b") + w::call(w::name("m", "f"), "N")) +
      ".";
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
  EXPECT_EQ(refusal(whole), "");
}

// --- as checkpoints ---

Expected<StateDict> read(const test::TempDir& folder, const std::string& bytes) {
  return read_state_dict(folder.write("checkpoint.pth", bytes));
}

TEST(StateDict, ReadsAFileOfPyTorchBefore1Point6) {
  const test::TempDir folder;
  const auto state = read(
      folder,
      w::old_file(w::dictionary(w::text("weight") + w::tensor("0", w::number(2) + w::number(3),
                                                              w::number(3) + w::number(1), 8, 1)),
                  8));
  ASSERT_TRUE(state) << state.error().message;
  const torch::Tensor weight = state->tensors.at("weight");
  ASSERT_EQ(weight.sizes(), c10::IntArrayRef({2, 3}));
  EXPECT_EQ(weight[1][2].item<float>(), 6);
}

TEST(StateDict, WalksModulesAndLeavesOtherObjectsAlone) {
  const test::TempDir folder;
  const std::string one = w::tensor("0", w::number(2), w::number(1), 2);
  const auto module = [](const std::string& parameters, const std::string& modules) {
    return w::object(
        w::name("__main__", "Net"),
        w::dictionary(w::text("training") + "\x89" + w::text("size") + w::number(14) +
                      w::text("_parameters") + w::dictionary(parameters) + w::text("_buffers") +
                      w::dictionary("") + w::text("_modules") + w::dictionary(modules)));
  };
  const std::string inner = module(w::text("weight") + one + w::text("bias") + "N", "");
  const auto state = read(
      folder,
      w::old_file(
          w::dictionary(w::text("decoder") + module("", w::text("fc") + inner) + w::text("adam") +
                        w::object(w::name("torch.optim", "Adam"), w::dictionary("")) +
                        w::text("evil") + w::call(w::name("os", "system"), w::text("id"))),
          2));
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->tensors.size(), 1U);
  EXPECT_TRUE(state->tensors.contains("decoder.fc.weight"));
  EXPECT_EQ(state->numbers.at("decoder.fc.size"), 14);
}

TEST(StateDict, RefusesTensorsThatAreNotThere) {
  const test::TempDir folder;
  const auto tensor = [](const std::string& sizes, const std::string& strides, int offset = 0) {
    return w::old_file(w::dictionary(w::text("w") + w::tensor("0", sizes, strides, 8, offset)), 8);
  };
  const auto message = [&](const std::string& bytes) {
    return read(folder, bytes).error().message;
  };
  EXPECT_THAT(message(tensor(w::number(9), w::number(1))), HasSubstr("passes the end"));
  EXPECT_THAT(message(tensor(w::number(2), w::number(7), 1)), HasSubstr("passes the end"));
  EXPECT_THAT(message(tensor(w::number(2), w::number(-1))), HasSubstr("invalid sizes"));
  EXPECT_THAT(message(tensor(w::number(2) + w::number(2), w::number(1))),
              HasSubstr("invalid sizes"));
  // Terabytes, if they were made from the eight floats that exist.
  const std::string huge = w::number(2'000'000'000);
  EXPECT_THAT(message(tensor(huge + huge, w::number(0) + w::number(0))),
              HasSubstr("invalid sizes"));
  EXPECT_THAT(message(tensor(huge, w::number(0))), HasSubstr("invalid sizes"));
}

TEST(StateDict, RefusesModulesWithoutEnd) {
  const test::TempDir folder;
  // Each module holds the one before it twice: 2^60 of them in all.
  std::string program = w::tensor("0", w::number(2), w::number(1), 2) + "q" + std::string(1, '\0');
  for (int level = 0; level < 60; ++level) {
    const std::string before = "h" + std::string(1, static_cast<char>(level));
    program +=
        w::object(w::name("m", "Net"),
                  w::dictionary(w::text("_parameters") + w::dictionary("") + w::text("_buffers") +
                                w::dictionary("") + w::text("_modules") +
                                w::dictionary(w::text("a") + before + w::text("b") + before)));
    program += "q" + std::string(1, static_cast<char>(level + 1));
  }
  const auto state = read(folder, w::old_file(program, 2));
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message, HasSubstr("endlessly"));
}

TEST(StateDict, SaysWhenAFileIsCutShort) {
  const test::TempDir folder;
  const std::string whole =
      w::old_file(w::dictionary(w::text("w") + w::tensor("0", w::number(8), w::number(1), 8)), 8);
  const auto state = read(folder, whole.substr(0, whole.size() - 5));
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message, HasSubstr("cut short"));
}

}  // namespace
}  // namespace photoscribe
