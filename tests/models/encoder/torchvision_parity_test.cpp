// Every trunk against the torchvision that is installed, through a .pth file.
#include "tests/models/encoder/torchvision_parity.h"

namespace photoscribe::test {
namespace {

class TorchvisionParity : public testing::TestWithParam<std::string> {};

TEST_P(TorchvisionParity, FeaturesAreTorchvisions) { compare_with_torchvision(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Trunks, TorchvisionParity, testing::ValuesIn(encoder_names()),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace photoscribe::test
