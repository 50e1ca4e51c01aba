# pg_mlops: PGXS build. `make && make install` needs only the server's development files.
EXTENSION = pg_mlops
ML_RELEASE = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_mlops.control)

MODULE_big = pg_mlops
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))

# The install script is the pieces of src/sql in name order.
SQL_PIECES = $(sort $(wildcard src/sql/*.sql))
DATA_built = pg_mlops--$(ML_RELEASE).sql
DATA = $(wildcard src/sql/upgrade/*.sql)
EXTRA_CLEAN = $(DATA_built) test/unit/build

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --encoding=UTF8 --no-locale
ISOLATION = $(patsubst test/specs/specs/%.spec,%,$(sort $(wildcard test/specs/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/specs --outputdir=output_iso --load-extension=pg_mlops

# No contraction into fused multiply-add: the same source must give the same bits on every processor.
PG_CPPFLAGS = -I$(srcdir)/src -DML_VERSION='"$(ML_RELEASE)"'
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
	-Wno-clobbered -ffp-contract=off -fvisibility=hidden $(if $(WERROR),-Werror)
SHLIB_LINK = -lm

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The arithmetic, and what touches every value, is worth the optimiser's whole attention.
src/math/%.o src/transform/%.o src/learn/%.o src/flow/load.o src/flow/bind.o: CFLAGS += -O3

pg_mlops--$(ML_RELEASE).sql: $(SQL_PIECES) pg_mlops.control
	cat $(SQL_PIECES) > $@

$(OBJS): $(wildcard src/*.h src/*/*.h)
