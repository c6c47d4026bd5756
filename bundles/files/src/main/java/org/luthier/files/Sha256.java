package org.luthier.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.luthier.api.LuthierException;

/** SHA-256 checksums as lower-case hexadecimal; an instance sums up what it is given, used by one thread. */
public final class Sha256 {
    private final MessageDigest digest;

    /** Starts a checksum. */
    public Sha256() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** Adds bytes. */
    public Sha256 update(byte[] bytes, int offset, int length) {
        digest.update(bytes, offset, length);
        return this;
    }

    /** Adds the remaining bytes of a buffer, whose position stays. */
    public Sha256 update(ByteBuffer bytes) {
        digest.update(bytes.duplicate());
        return this;
    }

    /** Adds everything that a stream yields. */
    public Sha256 update(InputStream in) throws IOException {
        byte[] block = new byte[1 << 16];
        for (int count = in.read(block); count >= 0; count = in.read(block)) {
            digest.update(block, 0, count);
        }
        return this;
    }

    /** Ends the checksum; the instance then starts anew. */
    public String hex() {
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Checksum of bytes. */
    public static String hex(byte[] bytes) {
        return new Sha256().update(bytes, 0, bytes.length).hex();
    }

    /** Checksum of the remaining bytes of a buffer, whose position stays. */
    public static String hex(ByteBuffer bytes) {
        return new Sha256().update(bytes).hex();
    }

    /**
     * Checksum of a file.
     *
     * @throws LuthierException if the file cannot be read
     */
    public static String hex(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            return new Sha256().update(in).hex();
        } catch (IOException e) {
            throw new LuthierException("cannot read " + file + " for its checksum: " + Reason.of(e), e);
        }
    }
}
