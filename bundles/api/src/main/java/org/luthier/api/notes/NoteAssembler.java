package org.luthier.api.notes;

import org.luthier.api.plugin.Part;

/** Makes notes of what a model said. Either kind ends in the same {@link Transcription}. */
public sealed interface NoteAssembler extends Part permits FrameNoteAssembler, TokenNoteAssembler {}
