package org.luthier.converter;

import org.luthier.api.checkpoint.DType;

/**
 * What a T5X checkpoint calls an element type.
 *
 * @param flax in the file {@code checkpoint}
 * @param zarr in {@code .zarray}
 */
record ZarrType(String flax, String zarr) {
    static ZarrType of(DType dtype) {
        return switch (dtype) {
            case F64 -> new ZarrType("float64", "<f8");
            case F32 -> new ZarrType("float32", "<f4");
            case F16 -> new ZarrType("float16", "<f2");
            case BF16 -> new ZarrType("bfloat16", "bfloat16");
            case I64 -> new ZarrType("int64", "<i8");
            case I32 -> new ZarrType("int32", "<i4");
            case I16 -> new ZarrType("int16", "<i2");
            case I8 -> new ZarrType("int8", "|i1");
            case U8 -> new ZarrType("uint8", "|u1");
            case BOOL -> new ZarrType("bool", "|b1");
        };
    }
}
