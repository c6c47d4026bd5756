package org.luthier.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

/** Puts the checksums of what is stored uncompressed into a damaged zip file, as far as its directory can be followed. */
final class MendedZip {
    private static final int CENTRAL = 0x02014b50;

    private MendedZip() {}

    static byte[] of(byte[] zip) {
        ByteBuffer file = ByteBuffer.wrap(zip.clone()).order(ByteOrder.LITTLE_ENDIAN);
        if (zip.length < 22) {
            return file.array();
        }
        long at = file.getInt(zip.length - 6) & 0xffffffffL;
        while (at <= zip.length - 46 && file.getInt((int) at) == CENTRAL) {
            int entry = (int) at;
            long size = file.getInt(entry + 20) & 0xffffffffL;
            long local = file.getInt(entry + 42) & 0xffffffffL;
            if (file.getShort(entry + 10) == 0 && local <= zip.length - 30) {
                int header = (int) local;
                long data = local + 30 + (file.getShort(header + 26) & 0xffff) + (file.getShort(header + 28) & 0xffff);
                if (data + size <= zip.length) {
                    CRC32 crc = new CRC32();
                    crc.update(file.array(), (int) data, (int) size);
                    file.putInt(entry + 16, (int) crc.getValue());
                    if (file.getInt(header + 14) != 0) {
                        file.putInt(header + 14, (int) crc.getValue());
                    }
                }
            }
            at += 46
                    + (file.getShort(entry + 28) & 0xffff)
                    + (file.getShort(entry + 30) & 0xffff)
                    + (file.getShort(entry + 32) & 0xffff);
        }
        return file.array();
    }
}
