"""Where the relay keeps rooms: `interface` says what, `memory` keeps them in this process."""
