"""Any listening port's defences: connections in, bounded in number and time; what no page may send is refused."""
