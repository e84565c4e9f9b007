// scripts: the Lua files of common/redis/scripts, embedded at build time. Private to common/redis.
//
// Each file's head says its KEYS, ARGV and answer; CMake puts the fragments that a script needs in
// front of it.
#pragma once

#include "common/redis/connection.h"

namespace photoscribe::redis::scripts {

extern const Script kBeat;
extern const Script kEnqueue;
extern const Script kFence;
extern const Script kFleet;
extern const Script kForget;
extern const Script kHandBack;
extern const Script kHolders;
extern const Script kLook;
extern const Script kNoteSeen;
extern const Script kPresence;
extern const Script kReclaim;
extern const Script kRegister;
extern const Script kReleaseUnmarked;
extern const Script kReport;
extern const Script kRemoveConsumer;
extern const Script kStart;
extern const Script kWithdraw;

}  // namespace photoscribe::redis::scripts
