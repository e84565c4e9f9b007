#include "common/image/photo.h"
