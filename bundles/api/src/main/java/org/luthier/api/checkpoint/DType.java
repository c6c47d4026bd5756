package org.luthier.api.checkpoint;

/** Element types of stored tensors. */
public enum DType {
    /** IEEE 754 double precision. */
    F64(8),
    /** IEEE 754 single precision. */
    F32(4),
    /** IEEE 754 half precision. */
    F16(2),
    /** The upper half of the bits of an F32. */
    BF16(2),
    /** Signed, as are the other integers but U8. */
    I64(8),
    /** Signed. */
    I32(4),
    /** Signed. */
    I16(2),
    /** Signed. */
    I8(1),
    /** Unsigned. */
    U8(1),
    /** One byte, 0 or 1. */
    BOOL(1);

    private final int bytes;

    DType(int bytes) {
        this.bytes = bytes;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }
}
