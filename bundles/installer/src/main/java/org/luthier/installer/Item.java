package org.luthier.installer;

import java.net.URI;

/**
 * One file to fetch, and what is known of it beforehand.
 *
 * @param path where it belongs in its folder, with forward slashes
 * @param uri where it is
 * @param size bytes, or -1 if not known
 * @param most bytes that it may have if its size is not known
 * @param md5 checksum in lower-case hexadecimal, or null
 * @param sha256 checksum in lower-case hexadecimal, or null
 */
record Item(String path, URI uri, long size, long most, String md5, String sha256) {
    /** Whether more than a size can be checked. */
    boolean hasChecksum() {
        return md5 != null || sha256 != null;
    }
}
