/* Captures made byte by byte in memory, and what is expected of those who read them: for the tests
 * of savefile/. */
#ifndef IMAGES_H
#define IMAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "savefile/reader.h"
#include "sshwhy/savefile.h"

struct image {
	uint8_t *bytes;
	size_t length, room;
	bool big;	 /* byte order of what is put next */
	size_t ends[64]; /* where the header and then each record ends */
	unsigned end_count;
	size_t block; /* where the block that is being put begins */
};

void put(struct image *image, const void *bytes, size_t length);

void put_number(struct image *image, uint64_t value, unsigned size);

void put16(struct image *image, uint16_t value);

void put32(struct image *image, uint32_t value);

void put_zeros(struct image *image, size_t length);

void record_ends(struct image *image);

void image_free(struct image *image);

void pcap_header(struct image *image, uint32_t magic, uint32_t link);

void pcap_record(struct image *image, uint32_t seconds, uint32_t ticks, const char *data,
		 uint32_t on_wire);

void begin_block(struct image *image, uint32_t type);

void set32(struct image *image, size_t at, uint32_t value);

void end_block(struct image *image);

void put_option(struct image *image, uint16_t code, const void *value, size_t length);

void begin_section(struct image *image);

void begin_interface(struct image *image, uint16_t link, uint32_t snaplen);

void plain_interface(struct image *image, uint16_t link);

void begin_enhanced(struct image *image, uint32_t interface, uint64_t stamp, const char *data,
		    uint32_t on_wire);

void plain_enhanced(struct image *image, uint32_t interface, uint64_t stamp, const char *data);

struct image gzipped(const uint8_t *bytes, size_t length);

/* A file without a name on any disk; it can be opened again by this path. */
int memory_file(char path[40]);

void fill_file(int fd, const uint8_t *bytes, size_t length);

struct savefile *open_image(const struct image *image);

/* Every frame; touches each of their bytes. */
enum savefile_status read_all(struct savefile *savefile, unsigned *frames);

struct expected {
	const char *data;
	uint32_t on_wire, link, interface;
	int64_t time_ns;
	enum direction direction;
};

void expect_frames(struct savefile *savefile, const struct expected *expected, unsigned count);

void expect_damage(const struct image *image, unsigned frames, uint64_t offset,
		   const char *part_of_text);

void expect_no_capture(const void *bytes, size_t length, const char *part_of_text);

struct image small_pcap(bool big);

enum { SMALL_PCAP_FRAMES = 3, SMALL_PCAPNG_FRAMES = 5 };
extern const struct expected small_pcap_frames[SMALL_PCAP_FRAMES];

struct image small_pcapng(bool big);

extern const struct expected small_pcapng_frames[SMALL_PCAPNG_FRAMES];

void expect_small_pcapng(struct savefile *savefile);

#endif
