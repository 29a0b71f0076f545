/* How a target runs under AddressSanitizer, whoever starts it. */
const char *__asan_default_options(void);

/* An execution frees less than a megabyte or two: what was freed longest ago may be used again,
 * which spares the kernel's pages a few thousand times a second. What is larger than 128 KiB is
 * mapped and unmapped each time, whatever stands here: the targets have no such tables. Of a stack
 * at an allocation the nearest callers are written down; ASAN_OPTIONS=malloc_context_size=30 shows
 * them all. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:allocator_release_to_os_interval_ms=-1:malloc_context_size=4:"
	       "detect_stack_use_after_return=1";
}
